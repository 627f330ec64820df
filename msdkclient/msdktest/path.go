package msdktest

import (
	"path"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// The report calls.
const (
	PathBattleReport = msdkclient.PathReportBattle
	PathScore        = msdkclient.PathReportScore
)

const (
	pathUpload  = msdkclient.PathUploadPicture
	guestPrefix = "G_"
)

// didYouMean says which call a path may have been meant for.
func didYouMean(p string) string {
	if strings.Trim(p, "/") == "auth/guest_check_token" {
		return "that call is for guests, and none of the twelve"
	}
	best, distance := "", 4 // more is no slip of the pen
	for _, c := range msdkclient.Calls() {
		d := min(editDistance(p, c.Path), 1+editDistance(path.Base(p), path.Base(c.Path)))
		if path.Base(c.Path) == "wx" && d > 1 {
			continue // everything is near a name of two letters
		}
		if d < distance {
			best, distance = c.Path, d
		}
	}
	if best == "" {
		return "the paths are those of the twelve calls, such as /profile/wxbattle_report/"
	}
	return "did you mean " + best + "/?"
}

// editDistance is the least number of letters to be put in, left out or changed that makes b of a. Names that differ in
// length by far are not gone into.
func editDistance(a, b string) int {
	if d := len(a) - len(b); d > 8 || d < -8 {
		return max(d, -d)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
