/// Names of the language that this build doesn't have yet: they read, and are refused by name.
enum UnavailableForm {
    static func contains(_ name: String) -> Bool {
        self.names.contains(name) || self.prefixes.contains { name.hasPrefix($0) }
            || ConnectorName(rawValue: name)?.isAvailable == false
    }

    private static let prefixes = ["cluster:", "raft:"]

    private static let names: Set<String> = [
        // Actors.
        "define-distributed-actor", "define-actor", "spawn-actor", "stop-actor", "receive", "become", "!", "?",
        "distribute-state", "discover-actors", "register-actor", "migrate-actor", "migrate-actors-from",
        "rebalance-actors", "self", "sender",
        // Replicated data.
        "distributed-map", "distributed-set", "distributed-queue", "distributed-counter", "distributed-lock", "put!",
        "remove!", "delete!", "cas!", "enqueue!", "dequeue!", "peek!", "increment!", "decrement!", "add!", "get-value",
        "with-lock", "lock!", "unlock!", "update!",
        // Consensus and transactions.
        "define-raft-node", "distributed-transaction",
        // Fault tolerance.
        "define-supervisor", "on-failure", "define-health-check", "define-circuit-breaker", "with-circuit-breaker",
        "remote-call",
        // Services.
        "define-service", "discover-service", "discover-services", "GET", "POST", "PUT", "PATCH", "DELETE",
    ]
}
