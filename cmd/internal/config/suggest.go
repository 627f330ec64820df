package config

import "strings"

// nearest returns the one of known that is most like word, or "" when none is like it: a slip of a letter or two,
// a missing underscore, another case.
func nearest(word string, known []string) string {
	plain := strings.NewReplacer("-", "", "_", "", ".", "")
	word = plain.Replace(strings.ToLower(word))
	best, least := "", 1+max(1, len(word)/3)
	for _, candidate := range known {
		if d := distance(word, plain.Replace(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete or replace to get from a to b, or its neighbours to swap.
func distance(a, b string) int {
	const far = 1 << 20
	if len(a) > 64 || len(b) > 64 {
		return far // nobody's slip; and the work stays small whatever the file holds
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
