#pragma once
#include <stddef.h>
#include <stdint.h>

// The AEADs of the BoringSSL inside swift-crypto. Its own headers stay out of sight: names of theirs are libssl's too.

typedef enum { CBORINGSSL_AES_128_GCM, CBORINGSSL_AES_256_GCM, CBORINGSSL_CHACHA20_POLY1305 } cboringssl_aead;

enum { CBORINGSSL_NONCE_SIZE = 12, CBORINGSSL_TAG_SIZE = 16 };

// A key, expanded; NULL when its size is not the AEAD's, or for want of memory. The caller frees it, which wipes it.
// It may be used by many threads at once.
void *cboringssl_key_new(cboringssl_aead aead, const uint8_t *key, size_t size);
void cboringssl_key_free(void *key);

// `out` may be `in`, but not overlap with it otherwise; the tag gets or has CBORINGSSL_TAG_SIZE bytes. 1 when it is done,
// 0 when it could not be or, opening, the tag is not that of the text: `out` is then rubbish.
int cboringssl_seal(
    const void *key, const uint8_t *nonce, const uint8_t *header, size_t header_size, const uint8_t *in, size_t size,
    uint8_t *out, uint8_t *tag);
int cboringssl_open(
    const void *key, const uint8_t *nonce, const uint8_t *header, size_t header_size, const uint8_t *in, size_t size,
    const uint8_t *tag, uint8_t *out);
