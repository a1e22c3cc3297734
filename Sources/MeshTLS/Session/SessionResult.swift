/// How far a handshake is.
package enum HandshakeStep: Equatable {
    /// Every byte handed in was used; send `output`, and call again with what the peer answers.
    case wantsInput
    /// Established. Send `output`; bytes of the window that belong to later records wait for `open`.
    case done
    /// Over. `output` may hold an alert for the peer: send it, then close.
    case failed(HandshakeFailure)
}

/// What decrypting gave.
package enum OpenResult: Equatable {
    /// This many bytes of plaintext, at least 1. Ask again unless `hasBufferedInput` is false.
    case data(Int)
    /// Every byte handed in was used, and it held no more application data.
    case wantsInput
    /// The peer sent close_notify: it will send no more. We may still seal.
    case closed
    /// Over. `output` may hold an alert for the peer: send it, then close.
    case failed(HandshakeFailure)
}

/// What encrypting gave.
package enum SealResult: Equatable {
    case sealed
    /// Nothing was done, as `output` has less room than `sealedSize(of:)`. Send, then try again.
    case outputFull
    case failed(HandshakeFailure)
}
