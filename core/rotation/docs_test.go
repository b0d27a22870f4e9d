package rotation

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
)

// block is a fenced block of the page: the word behind the fence, what follows it on
// the line, and the lines within.
type block struct {
	word   string
	extras []string
	text   string
}

func documentedBlocks(t *testing.T) []block {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "rotation.md"))
	require.NoError(t, err)
	var blocks []block
	var open *block
	for line := range strings.Lines(string(page)) {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			words := strings.Fields(fence)
			require.NotEmpty(t, words, "a fence says what its block is")
			open = &block{word: words[0], extras: words[1:]}
		case isFence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	require.Nil(t, open, "the last fence is closed")
	return blocks
}

// TestDocumentedExamples runs the examples of docs/rotation.md.
func TestDocumentedExamples(t *testing.T) {
	blocks := documentedBlocks(t)
	require.Greater(t, len(blocks), 10)
	for i, b := range blocks {
		switch b.word {
		case "logrotate":
			require.Equal(t, "leaves", blocks[i+1].word, "what %q leaves", b.text)
			t.Run(b.text, func(t *testing.T) {
				require.Equal(t, strings.Fields(blocks[i+1].text), b.run(t))
			})
		case "refused":
			options, message, found := strings.Cut(b.text, "=> ")
			require.True(t, found)
			_, _, err := logrotate.Parse(strings.TrimSuffix(options, "\n"), logrotate.Rules{AllowScripts: true})
			require.EqualError(t, err, strings.TrimSpace(message))
		case "leaves":
			require.Equal(t, "logrotate", blocks[i-1].word)
		default:
			require.Fail(t, "unknown block", b.word)
		}
	}
}

// run does the rotations, a day apart, and gives the files that are left.
func (b block) run(t *testing.T) []string {
	d, err := newDriver(t, t.TempDir(), b.text)
	require.NoError(t, err)
	d.now = time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
	rotations := 0
	for _, extra := range b.extras {
		name, value, _ := strings.Cut(extra, "=")
		switch name {
		case "rotations":
			rotations, err = strconv.Atoi(value)
			require.NoError(t, err)
		case "files":
			for _, file := range strings.Split(value, ",") {
				require.NoError(t, os.WriteFile(filepath.Join(d.dir, file), []byte("old\n"), 0o644))
			}
		}
	}
	for range rotations {
		d.append("line\n", 1)
		out, err := d.set.Rotate(d.now)
		require.NoError(t, err)
		require.True(t, out.Rotated)
		d.work()
		if !slices.Contains(b.extras, "same-day") {
			d.now = d.now.Add(24 * time.Hour)
		}
	}
	return filesBeneath(t, d.dir)
}

func filesBeneath(t *testing.T, dir string) []string {
	var names []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	}))
	return names
}

// TestEveryDirectiveIsDocumented asserts that the page names the whole vocabulary.
func TestEveryDirectiveIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "rotation.md"))
	require.NoError(t, err)
	for _, name := range logrotate.Vocabulary() {
		require.Regexp(t, "`"+name+"[` ]", string(page), "docs/rotation.md")
	}
}
