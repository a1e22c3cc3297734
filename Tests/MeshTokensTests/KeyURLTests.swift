import MeshCore
import MeshTokens
import Testing

@Suite("URLs of key sets")
struct KeyURLTests {
    @Test(
        "are taken apart",
        arguments: [
            ("https://i.example/keys", "https://i.example:443/keys"), ("HTTP://I.Example", "http://i.example:80/"),
            ("http://i:8080?x=/y:1@z", "http://i:8080/?x=/y:1@z"),
            ("https://[2001:db8::1]:8443/k", "https://[2001:db8::1]:8443/k"),
            ("http://1.2.3.4/a@b", "http://1.2.3.4:80/a@b"), ("http://127.1/", "http://127.1:80/"),
        ])
    func reads(text: String, whole: String) {
        #expect(KeyURL(text)?.description == whole)
        #expect(KeyURL(whole)?.description == whole)
    }

    @Test(
        "an address is known for one",
        arguments: [("http://1.2.3.4/", true), ("http://[::1]/", true), ("http://a/", false)])
    func address(text: String, isAddress: Bool) {
        #expect((KeyURL(text)?.address != nil) == isAddress)
    }

    @Test(
        "are refused where two readers could find two hosts",
        arguments: [
            "", "http://", "ftp://a/", "http:a", "//a/", "http://u@a/", "http://u:p@a/", "http://a#b", "http://a\\b",
            "http://a:0/", "http://a:65536/", "http://a:/", "http://a:1:2/", "http://[::1/", "http://[::1]x/",
            "http://[1.2.3.4]/", "http://[a]/", "http://a b/", "http://ä/", "http://%61/", "http://a\n/", "http://a,b/",
            "https://" + String(repeating: "a", count: 254) + "/", "https://a/" + String(repeating: "a", count: 2048),
        ])
    func refuses(text: String) { #expect(KeyURL(text) == nil) }
}
