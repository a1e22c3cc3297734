import MeshControl
import MeshCore
import MeshState

/// A mesh with every kind of record and every field of them, for dumps and explanations.
enum DumpFixture {
    static let yaml = """
        workloads:
        - uid: c1//Pod/shop/cart
          name: cart
          namespace: shop
          serviceAccount: cart
          trustDomain: cluster.local
          workloadIps: ["10.0.0.1", "fd00::1"]
          protocol: HBONE
          node: n1
          clusterId: c1
        - uid: c1//Pod/shop/web
          name: web
          namespace: shop
          serviceAccount: web
          trustDomain: cluster.local
          workloadIps: [10.0.0.2]
          protocol: HBONE
          node: n1
          clusterId: c1
          workloadName: web
          workloadType: deployment
          canonicalName: web
          canonicalRevision: v1
          nativeTunnel: true
          capacity: 7
          authorizationPolicies: [shop/strict, shop/none]
          locality: {region: r, zone: z, subzone: s}
          services:
            shop/web.shop.svc.cluster.local: {80: 8080, 443: 8443}
            shop/unknown.example: {1: 2}
        - uid: c1//Pod/shop/slow
          name: slow
          namespace: shop
          serviceAccount: web
          trustDomain: cluster.local
          workloadIps: [10.0.0.3]
          protocol: HBONE
          capacity: 0
          services:
            shop/web.shop.svc.cluster.local: {80: 8080}
        - uid: c1//Pod/shop/ill
          name: ill
          namespace: shop
          serviceAccount: web
          trustDomain: cluster.local
          workloadIps: [10.0.0.4]
          status: Unhealthy
          services:
            shop/web.shop.svc.cluster.local: {80: 8080}
        - uid: c1//Pod/shop/way
          name: way
          namespace: shop
          serviceAccount: way
          trustDomain: cluster.local
          workloadIps: [10.0.0.5]
          protocol: HBONE
          applicationTunnel: {protocol: PROXY, port: 15088}
          services:
            shop/way.shop.svc.cluster.local: {15008: 15008}
        - uid: c1//Pod/shop/behind
          name: behind
          namespace: shop
          serviceAccount: behind
          trustDomain: cluster.local
          workloadIps: [10.0.0.6]
          protocol: HBONE
          waypoint: {destination: /10.1.0.5, hboneMtlsPort: 15008}
        - uid: c1//Pod/shop/plain
          name: plain
          namespace: shop
          serviceAccount: plain
          trustDomain: cluster.local
          workloadIps: [10.0.0.7]
        - uid: c2//Pod/shop/foreign
          name: foreign
          namespace: shop
          serviceAccount: foreign
          trustDomain: other.example
          workloadIps: [10.0.0.8]
          protocol: HBONE
        - uid: far
          name: far
          namespace: other
          serviceAccount: far
          trustDomain: cluster.local
          workloadIps: [10.9.0.1]
          network: n2
          hostname: far.example
          protocol: TCP
          networkMode: HostNetwork
          networkGateway: {destination: n2/10.9.0.9, hboneMtlsPort: 15009}
          waypoint: {destination: defaultnw/127.0.0.10, hboneMtlsPort: 15008}
        services:
        - name: web
          namespace: shop
          hostname: web.shop.svc.cluster.local
          vips: [/10.1.0.2]
          ports: {80: 8080, 443: 8443}
        - name: way
          namespace: shop
          hostname: way.shop.svc.cluster.local
          vips: [/10.1.0.5]
          ports: {15008: 15008}
        - name: all
          namespace: other
          hostname: all.example
          vips: [n2/10.9.1.1]
          cidrVips: [{network: n2, cidr: 10.9.0.0/16}]
          ports: {80: 0}
          subjectAltNames: ["spiffe://cluster.local/ns/a/sa/b"]
          waypoint: {destination: shop/way.shop.svc.cluster.local, hboneMtlsPort: 15008}
          weightedWaypoints: [{destination: {destination: /10.1.0.5, hboneMtlsPort: 15008}, weight: 3}]
          loadBalancer: {routingPreferences: [Network, Region], mode: Failover, healthPolicy: AllowAll}
          ipFamilies: IPv4
          canonical: true
          visibility: Namespace
        policies:
        - name: strict
          namespace: shop
          scope: WorkloadSelector
          action: Deny
          rules: [[[{notPrincipals: [{Presence: []}]}]]]
        - name: callers
          namespace: shop
          scope: Namespace
          action: Allow
          rules:
          - - - {principals: [{Exact: cluster.local/ns/shop/sa/cart}, {Prefix: x}, {Suffix: y}], destinationPorts: [8080]}
            - []
          - - - {sourceIps: [10.0.0.0/29], notDestinationPorts: [9]}
        - name: trial
          namespace: root
          scope: Global
          action: Deny
          dryRun: true
          rules:
          - - - namespaces: [{Exact: shop}]
                notNamespaces: [{Exact: a}]
                serviceAccounts: [{namespace: shop, serviceAccount: cart}]
                notServiceAccounts: [{namespace: a, serviceAccount: b}]
                destinationIps: [10.0.0.0/8]
                notSourceIps: ["::/0"]
                notDestinationIps: [1.2.3.4/32]
        """

    static func snapshot() throws -> MeshSnapshot {
        try LocalConfig.parse(yaml, name: "fixture").store(localNode: nil).snapshot
    }

    static func dump() throws -> ConfigDump { ConfigDump(try snapshot()) }
}
