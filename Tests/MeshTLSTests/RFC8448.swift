/// The application traffic of RFC 8448 section 3, "Simple 1-RTT Handshake" (TLS_AES_128_GCM_SHA256).
enum RFC8448 {
    static let clientSecret = bytes("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5")
    static let serverSecret = bytes("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
    static let clientKey = bytes("17422dda596ed5d9acd890e3c63f5051")
    static let clientIV = bytes("5b78923dee08579033e523d9")
    static let serverKey = bytes("9f02283b6c9c07efc26bb9f2ac92e356")
    static let serverIV = bytes("cf782b88dd83549aadf1e984")

    /// What both sides send as data.
    static let payload = (0..<50).map { UInt8($0) }
    /// The server's records, in order: NewSessionTicket, data, close_notify.
    static let ticket = bytes(
        """
        17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6b580dcf3d11d63c758db289a
        015940252f55713e061dc13e078891a38efbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f75e0
        9c30ba1e62972ac46f75f7b981be63439b2999ce1306461513 9891d5e4c5b406f16e3fc181a77ca475840025db2f0a77
        f81b5ab05b94c01346755f69232c86519d86cbeeac87aac347d143f9605d64f650db4d023e70e952ca49fe5137121c74
        bc2697687e248746d6df353005f3bce18696129c8153556b3b6c6779b37bf15985684f
        """)
    static let serverData = bytes(
        """
        17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8
        fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d
        """)
    static let serverClose = bytes("1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9")
    /// The client's records, in order: data, close_notify.
    static let clientData = bytes(
        """
        1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b
        62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4
        """)
    static let clientClose = bytes("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3")

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
