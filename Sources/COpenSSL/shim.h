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

// One message of an AEAD whose context keeps its key; a call each from Swift costs the same and reads worse. `out` may be
// `in`. The nonce has 12 bytes, the tag 16, which follow the text.
static inline int copenssl_seal(
    EVP_CIPHER_CTX *context, const unsigned char *nonce, const unsigned char *header, int header_size,
    const unsigned char *in, int size, unsigned char *out) {
    int done = 0;
    return EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce) == 1
        && EVP_EncryptUpdate(context, NULL, &done, header, header_size) == 1
        && EVP_EncryptUpdate(context, out, &done, in, size) == 1
        && EVP_EncryptFinal_ex(context, out + size, &done) == 1
        && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, out + size) == 1;
}

static inline int copenssl_open(
    EVP_CIPHER_CTX *context, const unsigned char *nonce, const unsigned char *header, int header_size,
    const unsigned char *in, int size, unsigned char *out) {
    int done = 0;
    return EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) == 1
        && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(in + size)) == 1
        && EVP_DecryptUpdate(context, NULL, &done, header, header_size) == 1
        && EVP_DecryptUpdate(context, out, &done, in, size) == 1
        && EVP_DecryptFinal_ex(context, out + size, &done) == 1;
}
