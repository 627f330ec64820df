package deadletter

import (
	"errors"
	"fmt"
)

// What can be wrong with the letters that are asked for. The errors that are
// returned wrap these and say which.
var (
	// ErrNotFound: no letter has this name.
	ErrNotFound = errors.New("there is no such letter")
	// ErrExpired: the topic has deleted the letter, since it was older than the
	// topic's retention. The error is an [ExpiredError].
	ErrExpired = errors.New("the topic no longer keeps it")
)

// ExpiredError says that a letter is no longer kept. It is an [ErrExpired].
type ExpiredError struct {
	Name  Name
	First int64 // the first offset that the partition still has
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("letter %s is no longer kept: its partition now begins at offset %d", e.Name, e.First)
}

// Is tells that e is an [ErrExpired].
func (e *ExpiredError) Is(target error) bool { return target == ErrExpired }
