import CNghttp2

/// The headers of a CONNECT that we send.
struct OutgoingHead {
    let authority: String
    /// Our workload, as the far side's telemetry reads it. Empty sends none.
    let baggage: [UInt8]
    let forwarded: String
    let traceparent: String
    /// Our network, which a tunnel inside another one tells the far proxy: it cannot see our address.
    var forwardedNetwork: String?

    /// Calls `body` with the header list, valid during the call.
    func withHeaders(_ body: (UnsafePointer<nghttp2_nv>, Int) -> Int32) -> Int32 {
        var authority = authority
        var forwarded = forwarded
        var traceparent = traceparent
        var network = forwardedNetwork ?? ""
        return authority.withUTF8 { authority in
            forwarded.withUTF8 { forwarded in
                traceparent.withUTF8 { traceparent in
                    network.withUTF8 { network in
                        unsafe baggage.withUnsafeBufferPointer { baggage in
                            unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: 6) { headers in
                                guard let base = headers.baseAddress else { return -1 }
                                var count = 0
                                func add(_ header: nghttp2_nv) {
                                    unsafe (base + count).initialize(to: header)
                                    count += 1
                                }
                                unsafe add(HTTP2.header(":method", "CONNECT"))
                                unsafe add(HTTP2.header(":authority", authority))
                                if !baggage.isEmpty { unsafe add(HTTP2.header("baggage", baggage)) }
                                unsafe add(HTTP2.header("forwarded", forwarded, changing: true))
                                unsafe add(HTTP2.header("traceparent", traceparent, changing: true))
                                if forwardedNetwork != nil {
                                    unsafe add(HTTP2.header("x-forwarded-network", network))
                                }
                                return unsafe body(base, count)
                            }
                        }
                    }
                }
            }
        }
    }
}
