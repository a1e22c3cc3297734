/// Choices that hold for every session of a credential.
package struct TLSOptions: Sendable, Equatable {
    /// A TLS 1.3 cipher suite; the raw value is its name in libssl and in RFC 8446.
    package enum CipherSuite: String, Sendable, CaseIterable {
        case aes256GCM = "TLS_AES_256_GCM_SHA384"
        case aes128GCM = "TLS_AES_128_GCM_SHA256"
        case chacha20Poly1305 = "TLS_CHACHA20_POLY1305_SHA256"
    }

    /// Whose record layer carries the data of a TLS 1.3 session, once libssl has done the handshake.
    package enum Records: String, Sendable, CaseIterable {
        /// Ours, where an engine for the suite passed its check; else libssl's.
        case auto
        /// Ours; a credential is refused where no engine passed its check.
        case own
        case libssl
    }

    /// Offered, and taken by a server, in this order. The peer's order decides when it is the client.
    /// AES-128 first: 10 rounds instead of 14 for every byte, and what Envoy prefers too.
    package var cipherSuites: [CipherSuite] = [.aes128GCM, .aes256GCM]
    /// Also speak TLS 1.2 (ECDHE with AES-GCM only). Default no.
    package var allowsTLS12 = false
    /// Key exchange groups in libssl's notation, such as "P-256:P-384". `nil` leaves libssl's default.
    package var groups: String?
    /// Records sealed under one key before a KeyUpdate. Default 2^23; RFC 8446 section 5.5 allows AES-GCM 2^24.5.
    /// Below 16 a peer may take our KeyUpdates for a flood.
    package var recordsPerKey = 1 << 23
    package var records = Records.auto
    /// Whose code encrypts in records of our own, where it serves the suite. Default: whichever is faster here.
    package var engine: AEADEngine?

    package init() {}
}
