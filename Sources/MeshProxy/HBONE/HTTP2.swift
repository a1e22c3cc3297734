import CNghttp2
import MeshCore
import MeshLinux
import MeshWire

/// The door to libnghttp2: sessions, callbacks, headers. Every call happens on the reactor's thread.
///
/// The callbacks find their tunnel through the session's user data and their stream through the stream's; both are
/// unretained, and are cleared before their object goes.
enum HTTP2 {
    /// Bytes of one DATA frame's header.
    static let frameHeader = 9

    /// - Parameter window: bytes that the peer may send ahead on all streams together.
    static func makeSession(client: Bool, config: ProxyConfig, window: Int) -> OpaquePointer {
        var session: OpaquePointer?
        let made =
            unsafe client
            ? nghttp2_session_client_new2(&session, callbacks, nil, clientOptions)
            : nghttp2_session_server_new2(&session, callbacks, nil, serverOptions)
        // Only memory can be missing here, and Swift's own allocations end the process in that case too.
        guard made == 0, let session = unsafe session else { fatalError("out of memory: no HTTP/2 session") }
        unsafe submitSettings(session, client: client, config: config)
        _ = unsafe nghttp2_session_set_local_window_size(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(window))
        return unsafe session
    }

    static func attach(_ session: OpaquePointer, to tunnel: Tunnel) {
        unsafe nghttp2_session_set_user_data(session, Unmanaged.passUnretained(tunnel).toOpaque())
    }

    private static func submitSettings(_ session: OpaquePointer, client: Bool, config: ProxyConfig) {
        func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
            nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(value))
        }
        var settings = [
            entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config.streamWindow),
            entry(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, config.frameSize),
            entry(
                NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, client ? config.clientMaxHeaderList : config.serverMaxHeaderList),
        ]
        if client {
            settings.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        } else {
            settings.append(entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config.serverMaxStreams))
        }
        _ = unsafe nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
    }

    nonisolated(unsafe) private static let clientOptions = unsafe makeOptions()
    nonisolated(unsafe) private static let serverOptions = unsafe makeOptions()

    private static func makeOptions() -> OpaquePointer? {
        var options: OpaquePointer?
        guard unsafe nghttp2_option_new(&options) == 0, let options = unsafe options else { return nil }
        // Windows are given back when the application took the bytes, not when we received them.
        unsafe nghttp2_option_set_no_auto_window_update(options, 1)
        unsafe nghttp2_option_set_no_closed_streams(options, 1)
        unsafe nghttp2_option_set_max_send_header_block_length(options, 64 << 10)
        // The library's own limit (33 a second) is meant for browsers; FloodGuard has ours.
        unsafe nghttp2_option_set_stream_reset_rate_limit(options, UInt64(FloodGuard.maxResets), 2000)
        unsafe nghttp2_option_set_max_settings(options, 32)
        unsafe nghttp2_option_set_max_outbound_ack(options, 256)
        return unsafe options
    }

    // MARK: Requests and responses

    /// Submits a CONNECT. Header values are copied.
    /// - Returns: the stream id, or a negative error of the library.
    static func submitConnect(_ session: OpaquePointer, _ stream: TunnelStream, _ head: OutgoingHead) -> Int32 {
        let user = unsafe Unmanaged.passUnretained(stream).toOpaque()
        var provider = unsafe nghttp2_data_provider()
        unsafe provider.source.ptr = unsafe user
        unsafe provider.read_callback = readApplication
        return unsafe head.withHeaders { headers, count in
            unsafe nghttp2_submit_request(session, nil, headers, count, &provider, user)
        }
    }

    /// Answers a CONNECT with 200 and opens our direction.
    static func submitAccepted(_ session: OpaquePointer, _ stream: TunnelStream, baggage: [UInt8]) {
        var provider = unsafe nghttp2_data_provider()
        unsafe provider.source.ptr = unsafe Unmanaged.passUnretained(stream).toOpaque()
        unsafe provider.read_callback = readApplication
        unsafe baggage.withUnsafeBufferPointer { baggage in
            unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: 2) { headers in
                guard let base = headers.baseAddress else { return }
                unsafe (base + 0).initialize(to: header(":status", "200"))
                unsafe (base + 1).initialize(to: header("baggage", baggage))
                _ = unsafe nghttp2_submit_response(session, stream.id, base, baggage.isEmpty ? 1 : 2, &provider)
            }
        }
    }

    /// Answers a CONNECT that is refused: headers only.
    static func submitRefusal(_ session: OpaquePointer, id: Int32, status: Int) {
        let digits = Array(String(status).utf8)
        unsafe digits.withUnsafeBufferPointer { digits in
            var status = unsafe header(":status", digits)
            _ = unsafe nghttp2_submit_response(session, id, &status, 1, nil)
        }
    }

    static func header(_ name: StaticString, _ value: StaticString) -> nghttp2_nv {
        unsafe header(
            name, UnsafeBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
    }

    /// The value is copied by the library unless the caller says that it outlives the session.
    static func header(
        _ name: StaticString, _ value: UnsafeBufferPointer<UInt8>, changing: Bool = false
    ) -> nghttp2_nv {
        var flags = NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue
        // What differs in every request would only push useful entries out of the compression table.
        if changing { flags |= NGHTTP2_NV_FLAG_NO_INDEX.rawValue }
        return unsafe nghttp2_nv(
            name: UnsafeMutablePointer(mutating: name.utf8Start),
            value: UnsafeMutablePointer(mutating: value.baseAddress ?? name.utf8Start), namelen: name.utf8CodeUnitCount,
            valuelen: value.count, flags: UInt8(flags))
    }

    // MARK: Callbacks

    private static let temporaryFailure = Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
    private static let callbackFailure = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    private static let deferred = Int(NGHTTP2_ERR_DEFERRED.rawValue)
    private static let pause = Int(NGHTTP2_ERR_PAUSE.rawValue)

    private typealias User = UnsafeMutableRawPointer?

    @inline(__always)
    private static func withTunnel<R>(_ user: UnsafeMutableRawPointer?, _ body: (Tunnel) -> R, else missing: R) -> R {
        guard let user = unsafe user else { return missing }
        return unsafe Unmanaged<Tunnel>.fromOpaque(user)._withUnsafeGuaranteedRef { body($0) }
    }

    @inline(__always)
    private static func stream(_ session: OpaquePointer?, _ id: Int32) -> Unmanaged<TunnelStream>? {
        guard let user = unsafe nghttp2_session_get_stream_user_data(session, id) else { return nil }
        return unsafe Unmanaged.fromOpaque(user)
    }

    nonisolated(unsafe) private static let callbacks: OpaquePointer? = {
        var made: OpaquePointer?
        guard unsafe nghttp2_session_callbacks_new(&made) == 0, let callbacks = unsafe made else { return nil }

        // Frames that are not data are copied to the stage.
        unsafe nghttp2_session_callbacks_set_send_callback(callbacks) { _, data, length, _, user in
            guard let data = unsafe data else { return callbackFailureLength }
            return unsafe withTunnel(
                user,
                { tunnel in
                    let reactor = tunnel.reactor
                    guard reactor.staged + length <= Reactor.stageCapacity + Stage.slack else {
                        return Int(NGHTTP2_ERR_WOULDBLOCK.rawValue)
                    }
                    unsafe (reactor.stage + reactor.staged).update(from: data, count: length)
                    reactor.staged += length
                    return length
                }, else: callbackFailureLength)
        }
        // Data was read to its place already: only its header is written in front.
        unsafe nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, _, header, length, _, user in
            guard let header = unsafe header else { return callbackFailure }
            return unsafe withTunnel(
                user,
                { tunnel in
                    let reactor = tunnel.reactor
                    unsafe (reactor.stage + reactor.staged).update(from: header, count: frameHeader)
                    reactor.staged += frameHeader + length
                    tunnel.floodGuard.sent(length)
                    tunnel.bulk.note(length, now: reactor.now)
                    return 0
                }, else: callbackFailure)
        }
        unsafe nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks) {
            _, _, _, connectionWindow, streamWindow, frameSize, _ in
            max(1, min(Reactor.stageCapacity, Int(connectionWindow), Int(streamWindow), Int(frameSize)))
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            session, _, id, data, length, user in
            unsafe withTunnel(
                user,
                { tunnel in
                    tunnel.received(length)
                    if let data = unsafe data, let stream = unsafe stream(session, id) {
                        unsafe stream._withUnsafeGuaranteedRef {
                            unsafe tunnel.reactor.deliver($0, UnsafeMutablePointer(mutating: data), length)
                        }
                    } else {
                        _ = unsafe nghttp2_session_consume_stream(session, id, length)
                    }
                    return 0
                }, else: callbackFailure)
        }
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, user in
            guard let header = unsafe header?.pointee else { return 0 }
            return unsafe withTunnel(
                user, { $0.frameBegins(type: header.type, flags: header.flags, length: header.length) }, else: 0)
        }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, _, user in
            unsafe withTunnel(
                user,
                { tunnel in
                    tunnel.reactor.requestHead.reset()
                    return 0
                }, else: 0)
        }
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameLength, value, valueLength, _, user in
            unsafe withTunnel(
                user,
                { tunnel in
                    let taken = unsafe tunnel.reactor.requestHead.add(
                        UnsafeBufferPointer(start: name, count: nameLength),
                        UnsafeBufferPointer(start: value, count: valueLength), limit: tunnel.headerLimit)
                    return taken ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
                }, else: 0)
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { session, frame, user in
            guard let frame = unsafe frame else { return 0 }
            return unsafe withTunnel(
                user,
                { tunnel in
                    unsafe received(session, frame, on: tunnel)
                    return 0
                }, else: 0)
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { session, id, code, user in
            guard let stream = unsafe stream(session, id) else { return 0 }
            unsafe stream._withUnsafeGuaranteedRef { stream in
                stream.reactor.flushGather()
                stream.closedByHTTP2(code)
            }
            return 0
        }
        return unsafe callbacks
    }()

    private static let callbackFailureLength = Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)

    private static func received(
        _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>, on tunnel: Tunnel
    ) {
        let header = unsafe frame.pointee.hd
        let ends = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue:
            let category = unsafe frame.pointee.headers.cat
            if category == NGHTTP2_HCAT_REQUEST {
                tunnel.connectReceived(id: header.stream_id)
            } else if category == NGHTTP2_HCAT_RESPONSE, let stream = unsafe stream(session, header.stream_id) {
                unsafe stream._withUnsafeGuaranteedRef {
                    $0.responseReceived(status: tunnel.reactor.requestHead.status)
                }
            }
            if ends { unsafe endOfStream(session, header.stream_id) }
        case NGHTTP2_DATA.rawValue:
            if ends { unsafe endOfStream(session, header.stream_id) }
        case NGHTTP2_PING.rawValue:
            if header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 { tunnel.pongReceived() }
        case NGHTTP2_GOAWAY.rawValue:
            tunnel.goawayReceived()
        default: break
        }
    }

    private static func endOfStream(_ session: OpaquePointer?, _ id: Int32) {
        guard let stream = unsafe stream(session, id) else { return }
        unsafe stream._withUnsafeGuaranteedRef { stream in
            stream.reactor.flushGather()
            stream.endReceived()
        }
    }

    /// Reads the application's bytes straight to where the record is built.
    nonisolated(unsafe) private static let readApplication: nghttp2_data_source_read_callback = {
        _, _, _, length, flags, source, user in
        guard let flags = unsafe flags, let user = unsafe source?.pointee.ptr else { return temporaryFailure }
        return unsafe Unmanaged<TunnelStream>.fromOpaque(user)._withUnsafeGuaranteedRef { stream in
            switch stream.readApplication(atMost: length) {
            case .bytes(let count):
                unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
                return count
            case .end:
                unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue | NGHTTP2_DATA_FLAG_EOF.rawValue
                return 0
            case .nothingYet: return deferred
            case .stageFull: return pause
            case .failed: return temporaryFailure
            }
        }
    }
}
