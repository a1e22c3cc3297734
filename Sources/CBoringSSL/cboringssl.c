#include "cboringssl.h"

#include <CCryptoBoringSSL_aead.h>
#include <CCryptoBoringSSL_err.h>

void *cboringssl_key_new(cboringssl_aead aead, const uint8_t *key, size_t size) {
    const EVP_AEAD *chosen = NULL;
    switch (aead) {
    case CBORINGSSL_AES_128_GCM: chosen = EVP_aead_aes_128_gcm(); break;
    case CBORINGSSL_AES_256_GCM: chosen = EVP_aead_aes_256_gcm(); break;
    case CBORINGSSL_CHACHA20_POLY1305: chosen = EVP_aead_chacha20_poly1305(); break;
    }
    if (chosen == NULL) return NULL;
    EVP_AEAD_CTX *made = EVP_AEAD_CTX_new(chosen, key, size, CBORINGSSL_TAG_SIZE);
    if (made == NULL) ERR_clear_error();
    return made;
}

void cboringssl_key_free(void *key) { EVP_AEAD_CTX_free(key); }

int cboringssl_seal(
    const void *key, const uint8_t *nonce, const uint8_t *header, size_t header_size, const uint8_t *in, size_t size,
    uint8_t *out, uint8_t *tag) {
    size_t written = 0;
    const int sealed = EVP_AEAD_CTX_seal_scatter(
        key, out, tag, &written, CBORINGSSL_TAG_SIZE, nonce, CBORINGSSL_NONCE_SIZE, in, size, NULL, 0, header,
        header_size);
    if (!sealed) ERR_clear_error();
    return sealed && written == CBORINGSSL_TAG_SIZE;
}

int cboringssl_open(
    const void *key, const uint8_t *nonce, const uint8_t *header, size_t header_size, const uint8_t *in, size_t size,
    const uint8_t *tag, uint8_t *out) {
    const int opened = EVP_AEAD_CTX_open_gather(
        key, out, nonce, CBORINGSSL_NONCE_SIZE, in, size, tag, CBORINGSSL_TAG_SIZE, header, header_size);
    if (!opened) ERR_clear_error();
    return opened;
}
