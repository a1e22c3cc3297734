package import MeshPolicy

/// How a request is changed before it goes on.
package struct TokenChanges: Sendable, Hashable {
    /// In lower case. Removed first: what only validation may set, and tokens that are not passed on.
    package var removedHeaders: Set<String> = []
    package var setHeaders: [Setting] = []
    /// The new path and query; `nil` when it stays.
    package var target: [UInt8]?

    package struct Setting: Sendable, Hashable {
        /// In lower case.
        package let name: String
        package let value: String
    }

    package init() {}

    /// Changes a request; policies look at it only afterwards.
    package func apply(to headers: inout [HeaderField], target path: inout RequestText) {
        if !removedHeaders.isEmpty {
            headers.removeAll { field in removedHeaders.contains { field.name.elementsEqual($0.utf8) } }
        }
        for setting in setHeaders {
            headers.append(HeaderField(name: RequestText(setting.name), value: RequestText(setting.value)))
        }
        if let target { path = target[...] }
    }
}
