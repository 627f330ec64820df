package deadletter

// Query says which letters to read, and in which order.
type Query struct {
	Filter Filter

	// TopicID, if set, is the id that the topic must have. Whoever reads letters
	// again, to do what was agreed about them, gives the [Entry.TopicID] that they
	// had: letters of a topic made anew meanwhile are none of them.
	TopicID string

	// OldestFirst reads in the order in which the letters came into the topic,
	// otherwise the newest comes first. The order of a partition is kept;
	// between partitions it goes by time.
	OldestFirst bool

	// Progress, if set, is called at the beginning and for each piece read, with
	// how many letters have been looked at and how many there are to look at.
	// Both count offsets, of which some may hold no letter. It is called from
	// the goroutine that ranges over the letters.
	Progress func(read, total int64)

	// Unstable, if set, is called before the reading with how many offsets lie behind
	// the last stable one: a producer has a transaction open there, and until it ends
	// they are not read, nor counted by Progress.
	Unstable func(offsets int64)

	// Failed, if set, is called likewise for each letter on which Filter.Where
	// fails. Such a letter does not match.
	Failed func(name Name, err error)
}
