//go:build !race

package kafkatest

import "testing"

func oneProcessor(testing.TB) {}
