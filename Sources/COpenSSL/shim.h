#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// Function-like macros, which Swift does not import.
static const uint64_t COPENSSL_OP_NO_TICKET = SSL_OP_NO_TICKET;
static const uint64_t COPENSSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;

// RFC 2253 text, with UTF-8 left readable.
static const unsigned long COPENSSL_NAME_RFC2253 = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB;

static inline void copenssl_free(void *block) { OPENSSL_free(block); }
static inline void copenssl_free_certificates(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }
