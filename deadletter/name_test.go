package deadletter

import (
	"testing"

	"pgregory.net/rapid"
)

func TestANameIsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := Name{
			rapid.StringMatching(`[a-zA-Z0-9._-]{1,249}`).Draw(t, "topic"),
			rapid.IntRange(0, 1<<31-1).Draw(t, "partition"), rapid.Int64Min(0).Draw(t, "offset"),
		}
		if got, err := ParseName(want.String()); err != nil || got != want {
			t.Fatalf("got %v, error %v, want %v", got, err, want)
		}
	})
}

func TestWhatIsNoNameIsRefused(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ name, want string }{
		"empty":                   {"", `"" is not the name of a letter: want TOPIC/PARTITION/OFFSET`},
		"no offset":               {"t/1", `"t/1" is not the name of a letter: want TOPIC/PARTITION/OFFSET`},
		"more than an offset":     {"t/1/2/3", `"t/1/2/3" is not the name of a letter: want TOPIC/PARTITION/OFFSET`},
		"no topic":                {"/1/2", `"/1/2" is not the name of a letter: want TOPIC/PARTITION/OFFSET`},
		"a partition that is not": {"t/one/2", `"t/one/2" is not the name of a letter: the partition "one" is not a number from 0 on`},
		"a partition below 0":     {"t/-1/2", `"t/-1/2" is not the name of a letter: the partition "-1" is not a number from 0 on`},
		"a partition of 32 bits":  {"t/2147483648/2", `"t/2147483648/2" is not the name of a letter: the partition "2147483648" is not a number from 0 on`},
		"an offset of 64 bits": {
			"t/1/9223372036854775808", `"t/1/9223372036854775808" is not the name of a letter: the offset "9223372036854775808" is not a number from 0 on`,
		},
	} {
		if got, err := ParseName(test.name); err == nil || err.Error() != test.want || got != (Name{}) {
			t.Errorf("%s: got %v, error %v, want %s", rule, got, err, test.want)
		}
	}
}
