import CoreTypes

/// How long a suspect has to refute: the longer, the fewer others suspect it too.
///
/// Source: Lifeguard, §IV-B (LHA-Suspicion).
struct Suspicion: Hashable, Sendable {
    let startedAt: Int64
    let minimum: Int64
    let maximum: Int64

    /// Confirmations from which the shortest time counts.
    let expectedCount: Int

    /// Others that suspect it independently.
    private(set) var confirmers: Set<NodeID>
    private let accuser: NodeID

    init(by accuser: NodeID, at now: Int64, memberCount: Int, configuration: GossipConfiguration) {
        self.startedAt = now
        self.accuser = accuser
        self.confirmers = []
        self.minimum = Self.duration(memberCount, configuration)
        self.maximum = self.minimum * configuration.suspicionFactorMaximum
        // The suspect and this member confirm nothing.
        self.expectedCount = max(0, min(Int(configuration.suspicionMultiplier) - 2, memberCount - 2))
    }

    private static func duration(_ memberCount: Int, _ configuration: GossipConfiguration) -> Int64 {
        let scale = max(1, Logarithm.ofTen(memberCount + 1))
        return Int64(Double(configuration.suspicionMultiplier * configuration.probeInterval) * scale)
    }

    /// - Returns: Whether that is news.
    @discardableResult
    mutating func confirm(_ member: NodeID) -> Bool {
        guard member != self.accuser, self.confirmers.count < self.expectedCount else { return false }
        return self.confirmers.insert(member).inserted
    }

    var deadline: Int64 {
        guard self.expectedCount > 0 else { return self.startedAt + self.minimum }
        let share = Logarithm.ofTen(self.confirmers.count + 1) / Logarithm.ofTen(self.expectedCount + 1)
        let shortened = Double(self.maximum) - share * Double(self.maximum - self.minimum)
        return self.startedAt + max(self.minimum, Int64(shortened))
    }
}
