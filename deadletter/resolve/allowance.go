package resolve

import "time"

// allowance is how many bytes the next transaction may be of. Beyond a quota brokers have
// a client wait in proportion to what it has sent, and Kafka gives up a transaction that is
// in the middle of that for [transactionTimeout]; to try again would end in the same way.
// So the first transaction is small, and each is of what the one before has shown to be
// written soon; of no less than the least, since others may share the quota, and have a
// transaction wait as long whatever its size.
type allowance int

// The size of a transaction. Each costs Kafka some ten milliseconds.
const (
	transactionLetters = 1000

	leastBytes allowance = 16 << 10
	firstBytes allowance = 64 << 10
	mostBytes  allowance = 4 << 20
)

// soon is what a transaction is to take, with what a quota has the next one wait for it.
const soon = 5 * time.Second

// took notes how long a transaction of so many bytes has taken.
func (a *allowance) took(bytes int, d time.Duration) {
	switch {
	case d > soon:
		*a = max(leastBytes, allowance(float64(bytes)*float64(soon)/float64(d)))
	case bytes >= int(*a):
		*a = min(2**a, mostBytes)
	}
}
