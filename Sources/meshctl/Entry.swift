import MeshCommands

@main
struct Entry {
    static func main() async { await Meshctl.main() }
}
