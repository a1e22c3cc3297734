import CNghttp2

/// The end of a tunnel that is told beforehand, by the peer or by us: what is open finishes.
extension Tunnel {
    /// The peer will take no new streams.
    func goawayReceived() {
        isLeaving = true
        reactor.tunnels.remove(self)
        if streamCount == 0 { closeWhenDone() }
    }

    /// Announces that we leave: open streams finish, new ones are refused.
    func beginDrain() {
        guard phase == .open else {
            if phase != .closed, streamCount == 0 { close(.drained, graceful: false) }
            return
        }
        isLeaving = true
        reactor.tunnels.remove(self)
        if isClient {
            if streamCount == 0 { close(.drained, graceful: true) }
            return
        }
        // Two steps, so that streams which are under way to us meet a server that still takes them.
        _ = unsafe nghttp2_submit_shutdown_notice(http2)
        reactor.markDirty(self)
        setAlarm(.drain, seconds: 1)
    }

    func finishDrain() {
        let last = unsafe nghttp2_session_get_last_proc_stream_id(http2)
        _ = unsafe nghttp2_submit_goaway(
            http2, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, NGHTTP2_NO_ERROR.rawValue, nil, 0)
        reactor.markDirty(self)
        if streamCount == 0 { closeWhenDone() }
    }

    /// Closes at the end of the turn, after what is queued has been sent.
    func closeWhenDone() {
        _ = unsafe nghttp2_session_terminate_session(http2, NGHTTP2_NO_ERROR.rawValue)
        reactor.markDirty(self)
    }
}
