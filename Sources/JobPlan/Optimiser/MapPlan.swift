import FluentSyntax

/// The map after the passes that decide what it gets: key elision, projection, line elision.
struct MapPlan {
    let function: MapFunction
    let lines: LineCutting
    let rewrites: [Rewrite]

    init(_ closure: Closure, format: RecordFormat, kernelsEnabled: Bool) {
        let (whole, keyRewrite) = Self.withoutUnusedKey(WholeMap(closure))
        let projection = FieldProjection(whole, format: format)
        let elision = LineElision(whole, format: format, kernelsEnabled: kernelsEnabled)
        self.function = projection.function
        self.lines = elision.lines
        self.rewrites = [keyRewrite, projection.rewrite, elision.rewrite]
    }

    static func withoutUnusedKey(_ map: WholeMap) -> (WholeMap, Rewrite) {
        guard let key = map.key else {
            return (map, Rewrite(.keyElision, isApplied: false, "the map has no key parameter"))
        }
        let lambda = map.closure.lambda
        if let use = lambda.body.firstUse(of: key) {
            return (map, Rewrite(.keyElision, isApplied: false, "the map reads the key of its record", at: use))
        }
        let closure = map.closure.with(lambda: lambda.with(parameters: [map.record], body: lambda.body))
        let rewrite = Rewrite(.keyElision, isApplied: true, "the map never reads the key of its record")
        return (WholeMap(closure: closure, takesKey: false), rewrite)
    }
}

extension Closure {
    func with(lambda: Lambda) -> Closure {
        Closure(lambda: lambda, captured: self.captured, globals: self.globals)
    }
}
