/// A mesh of one namespace with a waypoint: half of its policies for node proxies, half for the waypoint.
enum Mesh {
    static let pods = 200

    static func manifests(policies: Int) -> String {
        var text = """
            {apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: wp, namespace: n1},
              spec: {gatewayClassName: istio-waypoint}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: svc, namespace: n1, labels: {istio.io/use-waypoint: wp}}
            spec: {clusterIP: 10.1.0.1, selector: {app: svc}, ports: [{name: http, port: 80, targetPort: 8080}]}

            """
        for pod in 0..<pods {
            text += """
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: web-\(pod), namespace: n1, labels: {app: \(pod == 0 ? "svc" : "web")}}
                spec: {serviceAccountName: web-\(pod), containers: [{ports: [{containerPort: 8080}]}]}
                status: {podIP: 10.0.0.\(pod)}

                """
        }
        for number in 0..<policies {
            let isLayer7 = number % 2 == 1
            text += """
                ---
                apiVersion: security.istio.io/v1
                kind: AuthorizationPolicy
                metadata:
                  name: policy-\(number)
                  namespace: n1
                spec:
                  \(isLayer7 ? "targetRefs: [{kind: Service, group: \"\", name: svc}]" : "selector: {matchLabels: {app: svc}}")
                  rules:
                  - from:
                    - source:
                        principals: ["cluster.local/ns/n1/sa/web-\(number % pods)", "cluster.local/ns/n\(number)/sa/web"]

                """
            if isLayer7 {
                text += """
                        to:
                        - operation:
                            methods: ["GET"]
                            paths: ["/s\(number)/*"]

                    """
            }
        }
        return text
    }
}

/// The kinds of lines that are replayed.
enum LogShape: String, CaseIterable {
    case ztunnelText = "ztunnel, text"
    case ztunnelJSON = "ztunnel, JSON"
    case ours = "meshctl, text"
    case envoy = "Envoy as Istio configures it"

    func lines(_ count: Int) -> [UInt8] {
        var text = ""
        for number in 0..<count {
            let pod = 1 + number % (Mesh.pods - 1)
            let peer = "spiffe://cluster.local/ns/n1/sa/web-\(pod)"
            switch self {
            case .ztunnelText, .ours:
                text +=
                    "2026-08-01T00:00:00.\(100_000 + number)Z\tinfo\taccess\tconnection complete\t"
                    + "src.addr=10.0.0.\(pod):\(40_000 + number % 20_000) src.workload=\"web-\(pod)\" "
                    + "src.namespace=\"n1\" src.identity=\"\(peer)\" dst.addr=10.0.0.0:15008 "
                    + "dst.hbone_addr=10.0.0.0:8080 dst.service=\"svc.n1.svc.cluster.local\" dst.workload=\"web-0\" "
                    + "dst.namespace=\"n1\" dst.identity=\"spiffe://cluster.local/ns/n1/sa/web-0\" "
                    + "direction=\"inbound\" bytes_sent=\(number) bytes_recv=81 duration=\"3ms\""
                    + (self == .ours ? " conn.id=\(number)\n" : "\n")
            case .ztunnelJSON:
                text +=
                    "{\"level\":\"info\",\"time\":\"2026-08-01T00:00:00.\(100_000 + number)Z\",\"scope\":\"access\","
                    + "\"message\":\"connection complete\",\"src.addr\":\"10.0.0.\(pod):\(40_000 + number % 20_000)\","
                    + "\"src.workload\":\"web-\(pod)\",\"src.namespace\":\"n1\",\"src.identity\":\"\(peer)\","
                    + "\"dst.addr\":\"10.0.0.0:15008\",\"dst.hbone_addr\":\"10.0.0.0:8080\","
                    + "\"dst.service\":\"svc.n1.svc.cluster.local\",\"dst.workload\":\"web-0\",\"direction\":\"inbound\","
                    + "\"bytes_sent\":\(number),\"bytes_recv\":81,\"duration\":\"3ms\"}\n"
            case .envoy:
                text +=
                    "[2026-08-01T00:00:00.\(100 + number % 900)Z] \"GET /s\(number)/a HTTP/1.1\" 200 - via_upstream - "
                    + "\"-\" 0 \(number) 3 2 \"-\" \"curl/8.5.0\" \"0e0f\" \"svc.n1.svc.cluster.local\" "
                    + "\"10.0.0.0:8080\" inbound-vip 10.0.0.9:1 10.1.0.1:80 10.0.0.\(pod):\(40_000 + number % 20_000) - "
                    + "default\n"
            }
        }
        return Array(text.utf8)
    }
}
