import FluentSyntax

/// Finds maps that are one loop over `(split record SEPARATOR)` and need no records cut for it.
struct LineElision {
    let lines: LineCutting
    let rewrite: Rewrite

    init(_ map: WholeMap, format: RecordFormat, kernelsEnabled: Bool) {
        guard kernelsEnabled else {
            self.lines = .perLine
            self.rewrite = Rewrite(.lineElision, isApplied: false, "kernels are off, and the machine takes records")
            return
        }
        switch Self.loop(of: map, format: format) {
        case .success(let split):
            self.lines = .elided(split)
            self.rewrite = Rewrite(.lineElision, isApplied: true, "the map only walks over the pieces of its line")
        case .failure(let obstacle):
            self.lines = .perLine
            self.rewrite = Rewrite(.lineElision, isApplied: false, obstacle.reason, at: obstacle.range)
        }
    }

    private static func loop(of map: WholeMap, format: RecordFormat) -> Result<ElidedSplit, RewriteObstacle> {
        guard format == .text else {
            return .failure(RewriteObstacle("records of format \(format.name) aren't lines of text"))
        }
        let body = map.closure.lambda.body
        guard case .forEach(let element, let sequence, let loopBody, _) = body.kind,
            case .builtin(.split, let arguments) = sequence.kind,
            case .variable(map.record) = arguments[0].kind
        else {
            return .failure(RewriteObstacle("the map isn't one loop over (split \(map.record.name) …)", at: body.range))
        }
        guard case .constant(let separator) = arguments[1].kind else {
            return .failure(RewriteObstacle("the separator isn't a constant", at: arguments[1].range))
        }
        let outer = [map.record] + (map.key.map { [$0] } ?? [])
        if let use = outer.compactMap({ loopBody.firstUse(of: $0) }).first {
            return .failure(RewriteObstacle("the loop also reads what the line as a whole says", at: use))
        }
        return .success(ElidedSplit(separator: separator, element: element))
    }
}

/// Why a rewrite doesn't apply.
struct RewriteObstacle: Error {
    let reason: String
    let range: SourceRange?

    init(_ reason: String, at range: SourceRange? = nil) {
        self.reason = reason
        self.range = range
    }
}
