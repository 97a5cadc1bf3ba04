extension Value {
    var regexPattern: Bytes { self.text }
}
