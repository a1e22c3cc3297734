#if canImport(CIPSecMB)
    import CIPSecMB
    import COpenSSL

    /// Intel's libipsec-mb: AES-GCM alone, one message per call.
    enum IPSecMB {
        /// `nonisolated(unsafe)`: made once under Swift's once-lock, then only read; never freed. `nil` when the
        /// library refuses the processor or fails its own test.
        private nonisolated(unsafe) static let functions: UnsafePointer<cipsecmb_gcm>? = {
            let made = UnsafeMutablePointer<cipsecmb_gcm>.allocate(capacity: 1)
            unsafe made.initialize(to: cipsecmb_gcm())
            if unsafe cipsecmb_choose(made) == 1 { return unsafe UnsafePointer(made) }
            unsafe made.deallocate()
            return nil
        }()

        static var usesVAES: Bool { unsafe functions?.pointee.uses_vaes == 1 }

        /// An expanded key. The owner calls `wipe` once.
        @safe struct Key {
            private let functions: UnsafePointer<cipsecmb_gcm>
            private let expanded: UnsafeMutableRawPointer
            private let is256: Int32

            init?(_ suite: TLSOptions.CipherSuite, _ key: UnsafePointer<UInt8>) {
                guard let functions = unsafe IPSecMB.functions else { return nil }
                switch suite {
                case .aes128GCM: is256 = 0
                case .aes256GCM: is256 = 1
                case .chacha20Poly1305: return nil
                }
                unsafe self.functions = functions
                unsafe expanded = .allocate(
                    byteCount: CIPSECMB_KEY_SIZE, alignment: CIPSECMB_KEY_ALIGNMENT)
                unsafe cipsecmb_expand(functions, is256, key, expanded)
            }

            func wipe() {
                unsafe OPENSSL_cleanse(expanded, CIPSECMB_KEY_SIZE)
                unsafe expanded.deallocate()
            }

            @inline(__always)
            func seal(
                _ text: UnsafePointer<UInt8>, _ count: Int, into sealed: UnsafeMutablePointer<UInt8>,
                header: UnsafePointer<UInt8>, _ headerSize: Int, nonce: UnsafePointer<UInt8>
            ) -> Bool {
                unsafe cipsecmb_seal(
                    functions, is256, expanded, nonce, header, headerSize, text, count, sealed, sealed + count)
                return true
            }

            @inline(__always)
            func open(
                _ sealed: UnsafePointer<UInt8>, _ count: Int, into text: UnsafeMutablePointer<UInt8>,
                header: UnsafePointer<UInt8>, _ headerSize: Int, nonce: UnsafePointer<UInt8>
            ) -> Bool {
                // Read before the text is written, which may lie over it.
                let given = unsafe UnsafeRawPointer(sealed + count).loadUnaligned(as: SIMD2<UInt64>.self)
                var tag = SIMD2<UInt64>()
                unsafe withUnsafeMutableBytes(of: &tag) { tag in
                    unsafe cipsecmb_open(
                        functions, is256, expanded, nonce, header, headerSize, sealed, count, text,
                        tag.baseAddress?.assumingMemoryBound(to: UInt8.self))
                }
                // Both halves are looked at whatever the first one says, so that time tells nothing.
                let difference = tag ^ given
                return difference[0] | difference[1] == 0
            }
        }
    }
#endif
