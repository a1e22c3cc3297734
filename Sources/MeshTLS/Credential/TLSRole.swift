/// Which side of the handshake a session plays.
package enum TLSRole: Sendable { case client, server }
