package logformat

import (
	"fmt"
	"strings"
)

// CarryPrefix begins the name of the file, in the sandbox, with the beginning of a line
// that is on its way from the live file of that name to the next.
func CarryPrefix(live string) string { return "." + live + ".sluice-carry-" }

// CarryName is the name of the file that carries the bytes from..to of the live file.
func CarryName(live string, from, to int64) string {
	return fmt.Sprintf("%s%d-%d", CarryPrefix(live), from, to)
}

// ParseCarry reads a name that CarryName makes, and no other.
func ParseCarry(live, untrusted string) (from, to int64, ok bool) {
	n, _ := fmt.Sscanf(strings.TrimPrefix(untrusted, CarryPrefix(live)), "%d-%d", &from, &to)
	return from, to, n == 2 && untrusted == CarryName(live, from, to)
}
