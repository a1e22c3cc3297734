#include <stddef.h>
#include <intel-ipsec-mb.h>

// AES-GCM in one call per message, by the instructions that this processor has.
typedef struct {
    aes_gcm_enc_dec_t seal[2], open[2]; // AES-128, AES-256
    aes_gcm_pre_t expand[2];
    int uses_vaes;
} cipsecmb_gcm;

enum { CIPSECMB_KEY_SIZE = (sizeof(struct gcm_key_data) + 63) / 64 * 64, CIPSECMB_KEY_ALIGNMENT = 64 };

// 0 when the library refuses the processor, fails its own test, or would have to do without AES instructions.
static inline int cipsecmb_choose(cipsecmb_gcm *gcm) {
    IMB_MGR *manager = alloc_mb_mgr(0);
    if (manager == NULL) return 0;
    IMB_ARCH chosen = IMB_ARCH_NONE;
    init_mb_mgr_auto(manager, &chosen);
    const int usable = imb_get_errno(manager) == 0 && chosen >= IMB_ARCH_SSE;
    if (usable) {
        gcm->seal[0] = manager->gcm128_enc;
        gcm->seal[1] = manager->gcm256_enc;
        gcm->open[0] = manager->gcm128_dec;
        gcm->open[1] = manager->gcm256_dec;
        gcm->expand[0] = manager->gcm128_pre;
        gcm->expand[1] = manager->gcm256_pre;
        // The processor may have VAES for which the library has no code: that for AVX2 goes without in version 1.3. Of later
        // ones less is said than is true.
        const uint64_t needed = IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
        gcm->uses_vaes = chosen >= IMB_ARCH_AVX512 && (manager->features & needed) == needed;
    }
    // The functions are code of the library and need no manager.
    free_mb_mgr(manager);
    return usable;
}

static inline void cipsecmb_expand(const cipsecmb_gcm *gcm, int is256, const void *key, void *expanded) {
    gcm->expand[is256](key, expanded);
}

// `out` may be `in`. The nonce has 12 bytes; the tag gets 16.
static inline void cipsecmb_seal(
    const cipsecmb_gcm *gcm, int is256, const void *expanded, const uint8_t *nonce, const uint8_t *header,
    size_t header_size, const uint8_t *in, size_t size, uint8_t *out, uint8_t *tag) {
    struct gcm_context_data context;
    gcm->seal[is256](expanded, &context, out, in, size, nonce, header, header_size, tag, 16);
}

// Gives the tag that the text should have had; comparing is the caller's duty.
static inline void cipsecmb_open(
    const cipsecmb_gcm *gcm, int is256, const void *expanded, const uint8_t *nonce, const uint8_t *header,
    size_t header_size, const uint8_t *in, size_t size, uint8_t *out, uint8_t *tag) {
    struct gcm_context_data context;
    gcm->open[is256](expanded, &context, out, in, size, nonce, header, header_size, tag, 16);
}
