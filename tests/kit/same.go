package kit

import "testing"

// Same compares long outputs and shows where they part: a message with megabytes helps nobody.
func Same[Text ~[]byte | ~string](t testing.TB, want, got Text) {
	t.Helper()
	at := Parting(want, got)
	if at < len(want) || at < len(got) {
		t.Fatalf("%d bytes wanted, %d there, the same up to %d:\nwanted %q\nthere  %q", len(want), len(got), at,
			around(want, at), around(got, at))
	}
}

// Parting is how many bytes two texts begin with that are the same.
func Parting[Text ~[]byte | ~string](a, b Text) int {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return at
}

func around[Text ~[]byte | ~string](text Text, at int) string {
	return string(text[max(0, at-40):min(len(text), at+60)])
}
