package letters

import "testing"

func TestABarIsAsLongAsItsPart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ got, want string }{
		{bar(1, 2, 4), "██"},
		{bar(1, 1_000_000, 4), "▏"},
		{bar(1, 2, 0), ""},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
