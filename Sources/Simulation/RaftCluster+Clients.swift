import CoreTypes
import Linearizability
import RaftCore

/// What a client sends to a node.
struct ClientRequest {
    enum Body {
        case read(key: Int)
        case command(KeyValueCommand)
    }

    var client: Int

    /// Counts what a client sent, so that it knows which answer is of which attempt.
    var attempt: Int
    var body: Body
}

struct ClientReply {
    enum Result {
        case value(UInt32)
        case done(Bool)
        /// Not taken; the leader, if the node knows one.
        case refused(ReplicaID?)
        /// It may have been taken.
        case unknown
    }

    var client: Int
    var attempt: Int
    var result: Result
}

/// One client: an operation at a time, tried again under the same sequence number until it is answered or too old.
struct Client {
    let id: Int
    var target: Int
    var attempt = 0
    var sequence: UInt32 = 0

    /// The operation under way, by its place in the history.
    var operation: Int?
    var command: KeyValueCommand?
    var deadline: Int64 = 0

    /// What it saw last of each key: what its compare-and-set expects.
    var known: [UInt32]
}

extension RaftCluster {
    /// From here on clients are slow: more operations would only make the search of their order longer.
    private static let operationLimit = 1_000

    func addClient(_ id: Int) {
        self.clients.append(
            Client(
                id: id,
                target: self.clientRandom.next(in: 0..<self.nodes.count),
                known: Array(repeating: 0, count: self.swarm.keyCount)
            )
        )
        self.queue.schedule(.clientWakes(client: id, attempt: 0), at: self.clientRandom.time(upTo: 300_000))
    }

    // MARK: At the client

    /// Time to begin an operation, to try again, or to give up waiting for an answer.
    func wake(_ id: Int, _ attempt: Int) {
        guard self.clients[id].attempt == attempt else { return }
        let isQuiet = self.swarm.endsQuietly && self.healing?.leader != nil
        if isQuiet && self.clients[id].operation == nil { return }
        if self.clients[id].operation == nil {
            self.begin(id)
        } else if self.queue.now > self.clients[id].deadline {
            // It stays open in the history for ever.
            self.coverage.operationsOpen += 1
            self.clients[id].operation = nil
            self.begin(id)
        } else {
            self.clients[id].target = self.clientRandom.next(in: 0..<self.nodes.count)
        }
        self.sendAttempt(id)
    }

    private func begin(_ id: Int) {
        let key = self.clientRandom.next(in: 0..<self.swarm.keyCount)
        let kind = self.clientRandom.next(in: 0..<100)
        self.clients[id].sequence += 1
        let sequence = self.clients[id].sequence
        // Unique: a value says who wrote it.
        let value = sequence * 64 + UInt32(id) + 1
        var action = HistoryOperation.Action.read(nil)
        self.clients[id].command = nil
        if kind >= self.swarm.readPercent {
            let isWrite = kind < 100 - self.swarm.compareAndSetPercent
            let expected = self.clients[id].known[key]
            action = isWrite ? .write(value) : .compareAndSet(expected: expected, new: value, isDone: nil)
            self.clients[id].command = KeyValueCommand(
                client: id,
                sequence: sequence,
                key: key,
                operation: isWrite ? .write(value) : .compareAndSet(expected: expected, new: value)
            )
        }
        self.clients[id].operation = self.history.count
        self.clients[id].deadline = self.queue.now + self.swarm.operationTimeout
        self.history.append(HistoryOperation(client: id, key: key, action: action, invokedAt: self.queue.now))
    }

    private func sendAttempt(_ id: Int) {
        guard let operation = self.clients[id].operation else { return }
        self.clients[id].attempt += 1
        let client = self.clients[id]
        let body = client.command.map(ClientRequest.Body.command) ?? .read(key: self.history[operation].key)
        let request = ClientRequest(client: id, attempt: client.attempt, body: body)
        self.queue.schedule(.request(request, node: client.target), at: self.queue.now + self.network.delay())
        let timeout = self.queue.now + self.swarm.attemptTimeout
        self.queue.schedule(.clientWakes(client: id, attempt: client.attempt), at: timeout)
    }

    func receive(_ reply: ClientReply) {
        let id = reply.client
        guard self.clients[id].attempt == reply.attempt, let operation = self.clients[id].operation else { return }
        let key = self.history[operation].key
        switch reply.result {
        case .value(let value):
            self.history[operation].action = .read(value)
            self.clients[id].known[key] = value
        case .done(let isDone):
            if case .compareAndSet(let expected, let new, _) = self.history[operation].action {
                self.history[operation].action = .compareAndSet(expected: expected, new: new, isDone: isDone)
            }
        case .refused(let leader):
            // A hint is worth one try; it may be as old as the one it is about.
            let node = leader.map { Int($0.node) } ?? self.clientRandom.next(in: 0..<self.nodes.count)
            self.clients[id].target = node
            self.wakeLater(id, 1_000 + self.clientRandom.time(upTo: 20_000))
            return
        case .unknown:
            self.wakeLater(id, 1_000)
            return
        }
        self.history[operation].returnedAt = self.queue.now
        self.clients[id].operation = nil
        self.coverage.operationsDone += 1
        if self.history[operation].invokedAt >= self.healing?.startedAt ?? .max { self.healing?.operationCount += 1 }
        let isBusy = self.history.count > Self.operationLimit
        self.wakeLater(id, self.clientRandom.time(upTo: isBusy ? 400_000 : self.swarm.thinkTimeMaximum))
    }

    private func wakeLater(_ id: Int, _ delay: Int64) {
        self.clients[id].attempt += 1
        self.queue.schedule(.clientWakes(client: id, attempt: self.clients[id].attempt), at: self.queue.now + delay)
    }

    // MARK: At the node

    func serve(_ request: ClientRequest, at node: Int) {
        guard self.nodes[node].replica != nil else { return }
        self.waitingCount += 1
        let id = self.waitingCount
        var waiting = Waiting(
            client: request.client,
            attempt: request.attempt,
            sequence: 0,
            key: 0,
            committedIndex: self.checker.committedIndex
        )
        switch request.body {
        case .read(let key):
            waiting.key = key
            self.waiting[id] = waiting
            self.step(node, .read([ReadID(rawValue: id)]))
        case .command(let command):
            waiting.sequence = command.sequence
            self.waiting[id] = waiting
            self.step(node, .propose([Proposal(id: ProposalID(rawValue: id), command: command.encoded)]))
        }
    }

    func resolve(_ id: ProposalID, _ outcome: ProposalOutcome, _ node: Int) {
        if case .committed(let position) = outcome {
            self.checker.require(
                self.checker.committedTerm(at: position.index) == position.term,
                .resolvedTruly,
                "node \(node) says that \(position) is committed"
            )
        }
        guard let waiting = self.waiting.removeValue(forKey: id.rawValue) else { return }
        switch outcome {
        case .committed:
            let session = self.nodes[node].machine.sessions[waiting.client]
            // A newer one of the client has taken its place: the answer isn't wanted any more.
            guard session.sequence == waiting.sequence else { return }
            self.answer(waiting, .done(session.isDone))
        case .unknown:
            self.coverage.proposalsUnknown += 1
            self.answer(waiting, .unknown)
        case .refused(.notLeader(let leader)): self.answer(waiting, .refused(leader))
        case .refused: self.answer(waiting, .refused(nil))
        }
    }

    func serveReads(_ ids: [ReadID], at index: LogIndex, _ node: Int) {
        let machine = self.nodes[node].machine
        for id in ids {
            guard let waiting = self.waiting.removeValue(forKey: id.rawValue) else { continue }
            self.coverage.readsServed += 1
            self.checker.require(
                machine.appliedIndex >= waiting.committedIndex,
                .readsCommitted,
                "node \(node) reads at \(machine.appliedIndex), and \(waiting.committedIndex) was committed before"
            )
            self.answer(waiting, .value(machine.values[waiting.key]))
        }
    }

    func refuse(_ id: UInt64, _ leader: ReplicaID?) {
        guard let waiting = self.waiting.removeValue(forKey: id) else { return }
        self.answer(waiting, .refused(leader))
    }

    private func answer(_ waiting: Waiting, _ result: ClientReply.Result) {
        let reply = ClientReply(client: waiting.client, attempt: waiting.attempt, result: result)
        self.queue.schedule(.reply(reply), at: self.queue.now + self.network.delay())
    }
}
