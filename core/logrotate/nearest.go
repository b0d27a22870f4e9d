package logrotate

import (
	"fmt"

	"github.com/agnivade/levenshtein"
)

// nearestHint names the directive that a misspelt word most likely meant; nothing
// where no directive is close. The distance costs the product of the lengths, so
// long words are not compared: reading stays linear.
func nearestHint(untrusted string) string {
	const longest, farthest = 20, 2
	if len(untrusted) > longest {
		return ""
	}
	best, bestDistance := "", farthest+1
	for _, name := range Vocabulary() {
		if d := levenshtein.ComputeDistance(untrusted, name); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
