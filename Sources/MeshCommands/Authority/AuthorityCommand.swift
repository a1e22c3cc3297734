import ArgumentParser

struct AuthorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca",
        abstract: "Run a certificate authority for a mesh.",
        discussion: """
            An authority is a folder in the layout of Istio's plug-in certificates, so a cacerts folder of istiod works too.

            Example: meshctl ca init --dir ca && meshctl ca serve --dir ca --callers callers.yaml
            """,
        subcommands: [
            AuthorityInit.self, AuthorityServe.self, AuthorityStatusCommand.self, AuthorityIssue.self,
            AuthoritySign.self, AuthorityRotate.self, AuthorityRevoke.self, AuthorityRevocations.self,
            AuthorityBundle.self, AuthorityAudit.self,
        ])
}
