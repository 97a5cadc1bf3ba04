import FluentSyntax

extension StreamPlan {
    /// Plans a stream: a pure function of its arguments.
    package init(_ definition: StreamDefinition, options: PlanOptions) {
        let inlining = StreamInlining(definition, parameters: options.parameters)
        let (wholeMap, keyRewrite) = MapPlan.withoutUnusedKey(WholeMap(inlining.map))
        let reducePlan = StreamReducePlan(definition, inlining, map: wholeMap)
        let projection = StreamProjection(
            map: reducePlan.map,
            time: inlining.time,
            format: definition.settings.format
        )
        var rewrites = inlining.rewrites + [keyRewrite] + reducePlan.rewrites + [projection.rewrite]
        if let slide = Self.slideRewrite(definition) { rewrites.append(slide) }
        self.init(
            definition: definition,
            decode: DecodeStep(format: definition.settings.format, fields: projection.fields),
            map: (projection.map, reducePlan.columnCount),
            time: projection.time,
            stages: inlining.stages,
            reduce: reducePlan.reduce,
            rewrites: rewrites
        )
    }

    private static func slideRewrite(_ definition: StreamDefinition) -> Rewrite? {
        guard definition.settings.hasStandardSlide, case .sliding(_, let slide) = definition.window else { return nil }
        let text = "no slide is given: a window begins every \(TimeSpan.text(of: slide)), a tenth of the size"
        return Rewrite(.slide, isApplied: true, text)
    }
}

/// The functions of a stream with everything they know at planning time built in.
struct StreamInlining {
    let map: Closure
    let time: Closure?
    let stages: [StreamStage]
    let reduce: WindowReduce?

    /// How the map was inlined: what is added to it later is inlined the same way.
    let mapContext: Inliner.Context
    let rewrites: [Rewrite]

    init(_ definition: StreamDefinition, parameters: [String: String]?) {
        var rewrites: [Rewrite] = []
        let inlined: (Closure, String, Inliner.Context) -> Closure = { closure, role, context in
            let result = Inliner.inlined(closure, role: role, in: context)
            rewrites += result.rewrites
            return result.closure
        }
        var mapContext = Inliner.Context(parameters: parameters, isValueUsed: false)
        if definition.settings.format == .text, let record = definition.map.lambda.parameters.last {
            mapContext.types = [record: .string]
        }
        self.mapContext = mapContext
        self.map = inlined(definition.map, "map", mapContext)
        self.time = definition.settings.time.map { inlined($0, "time", Inliner.Context(parameters: parameters)) }
        self.stages = definition.stages.map { stage in
            let context = Inliner.Context(parameters: parameters, isValueUsed: false)
            let map = Inliner.inlined(stage.map, role: "map", in: context).closure
            switch stage.operation {
            case .pass, .deduplicate: return stage.with(stage.operation, map: map)
            case .process(let functions):
                let inlinedFunctions = ProcessFunctions(
                    onEvent: inlined(functions.onEvent, "on-event", context),
                    onTimer: functions.onTimer.map { inlined($0, "on-timer", context) },
                    timeToLive: functions.timeToLive
                )
                return stage.with(.process(inlinedFunctions), map: map)
            case .join(let join):
                let function = inlined(join.function, "join", Inliner.Context(parameters: parameters))
                let inlinedJoin = StreamJoin(from: join.from, to: join.to, function: function, range: join.range)
                return stage.with(.join(inlinedJoin), map: map)
            }
        }
        var reduceContext = Inliner.Context(parameters: parameters, isValueUsed: false)
        switch definition.reduce {
        case nil: self.reduce = nil
        case .general(let reduce):
            reduceContext.sequences = [reduce.lambda.parameters[1]]
            self.reduce = .general(inlined(reduce, "reduce", reduceContext))
        case .aggregates(let aggregates, let result):
            // Made by the planner itself: there is nothing to say about it.
            let inlined = Inliner.inlined(result, role: "reduce", in: reduceContext).closure
            self.reduce = .aggregates(aggregates, result: inlined)
        }
        self.rewrites = rewrites
    }
}

/// The fields that the map and the time of a stream read, where they read nothing else.
struct StreamProjection {
    /// Those of the map, then those of the time; nil: whole records.
    let fields: [ProjectedField]?
    let map: MapFunction
    let time: TimeFunction?
    let rewrite: Rewrite

    init(map: WholeMap, time: Closure?, format: RecordFormat) {
        let ofMap = FieldProjection(map, format: format)
        let ofTime = time.map { FieldProjection(WholeMap(closure: $0, takesKey: false), format: format) }
        guard let mapFields = ofMap.function.fields, ofTime == nil || ofTime?.function.fields != nil else {
            let reads = ofMap.function.fields == nil ? ofMap.rewrite : ofTime?.rewrite
            self.fields = nil
            self.map = MapFunction(whole: map)
            self.time = time.map { TimeFunction(overFields: nil, fieldCount: 0, whole: $0) }
            self.rewrite = reads ?? ofMap.rewrite
            return
        }
        let timeFields = ofTime?.function.fields ?? []
        self.fields = mapFields + timeFields
        self.map = ofMap.function
        self.time = time.map { whole in
            TimeFunction(overFields: ofTime?.function.closure, fieldCount: timeFields.count, whole: whole)
        }
        var names: [String] = []
        for field in mapFields + timeFields where !names.contains(field.name) { names.append(field.name) }
        let list = names.joined(separator: ", ")
        let reason = names.isEmpty ? "no field is read" : "only these fields are decoded: \(list)"
        self.rewrite = Rewrite(.projection, isApplied: true, reason)
    }
}
