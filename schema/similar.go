package schema

import (
	"cmp"
	"strings"
)

// similar returns the one of words that is most like word, or "" if none is: a slip of a letter or two, two letters
// swapped, another case, a dash too many or too few. At the same distance the first one is taken.
func similar(word string, words []string) string {
	if word = plain(word); len(word) > maxWord {
		return ""
	}
	best, least := "", 1+max(1, len(word)/3)
	for _, candidate := range words {
		if d := distance(word, plain(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// plain returns a word without what people mix up in words.
func plain(word string) string { return strings.ToLower(noMarks.Replace(word)) }

var noMarks = strings.NewReplacer("-", "", "_", "", "$", "")

// begun returns the shortest of words that begins with word, if that has three letters or more.
func begun(word string, words []string) (shortest string) {
	word = plain(word)
	for _, w := range words {
		if len(word) >= 3 && strings.HasPrefix(plain(w), word) && (shortest == "" || len(w) < len(shortest)) {
			shortest = w
		}
	}
	return shortest
}

// likeliest returns which of words was meant by word, or "".
func likeliest(word string, words []string) string {
	return cmp.Or(similar(word, words), begun(word, words))
}

// maxWord keeps the work small, whatever a file holds: no slip makes a longer word of one of ours.
const maxWord = 32

// distance counts the bytes to insert, delete or replace to get from a to b, or the neighbours to swap. Both have maxWord
// bytes at most.
func distance(a, b string) int {
	var rows [maxWord + 1][maxWord + 1]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		rows[i][0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
