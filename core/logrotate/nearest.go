package logrotate

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearestHint names the directive that a misspelt word most likely meant; nothing
// where no directive is close, or where that would be the opposite. The distance costs
// the product of the lengths, so long words are not compared: reading stays linear.
func nearestHint(untrusted string) string {
	const longest, farthest = 20, 2
	if len(untrusted) > longest || len(untrusted) < 2 {
		return ""
	}
	lower := strings.ToLower(untrusted)
	if isDirective(lower) {
		return fmt.Sprintf("; did you mean %q?", lower)
	}
	if plain, negative := strings.CutPrefix(lower, "no"); negative && isDirective(plain) {
		return fmt.Sprintf("; %q has no opposite", plain)
	}
	var best []string
	bestDistance := min(farthest, len(untrusted)/2) + 1
	for _, name := range Vocabulary() {
		d := levenshtein.ComputeDistance(lower, name)
		if d > bestDistance || d == bestDistance && len(best) == 0 || negates(lower, name) {
			continue
		}
		if d < bestDistance {
			best, bestDistance = nil, d
		}
		best = append(best, name)
	}
	switch len(best) {
	case 1:
		return fmt.Sprintf("; did you mean %q?", best[0])
	case 2:
		return fmt.Sprintf("; did you mean %q or %q?", best[0], best[1])
	}
	return ""
}

// negates says that of a word and a directive one may be the other's opposite. An "n"
// at the beginning of a word can be what is left of "no"; no directive begins with it
// otherwise.
func negates(untrusted, directive string) bool {
	if strings.HasPrefix(directive, "no") {
		return !strings.HasPrefix(untrusted, "no")
	}
	return strings.HasPrefix(untrusted, "n") || untrusted == "o"+directive
}

func isDirective(word string) bool {
	_, known := vocabulary[word]
	return known
}
