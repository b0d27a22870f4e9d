package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryBlockSaysWhatBecomesOfIt asserts that a block of command lines is run, or says
// why not.
func TestEveryBlockSaysWhatBecomesOfIt(t *testing.T) {
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			if commandLine.MatchString(b.text) && b.file == "" {
				require.True(t, b.commands(), "%s:%d: command lines in a block of %q are not run; expected sh or console",
					page, b.line, b.language)
			}
		}
	}
}

var (
	commandLine = regexp.MustCompile(`(?m)^(\$ |sluice |make |mesos-)`)
	link        = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)
	span        = regexp.MustCompile("`([^`\n]+)`")
	flag        = regexp.MustCompile(`--[a-z_]+`)
)

// outsideBlocks is a page without its fenced blocks.
func outsideBlocks(t *testing.T, page string) string {
	t.Helper()
	var text strings.Builder
	inside := false
	for line := range strings.Lines(read(t, page)) {
		if fenceLine.MatchString(strings.TrimSuffix(line, "\n")) {
			inside = !inside
		} else if !inside {
			text.WriteString(line)
		}
	}
	return text.String()
}

// spans gives the code in the lines of a page.
func spans(t *testing.T, page string) (found []string) {
	t.Helper()
	for _, match := range span.FindAllStringSubmatch(outsideBlocks(t, page), -1) {
		found = append(found, match[1])
	}
	return found
}

// TestLinks asserts that what a page links to is there.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(outsideBlocks(t, page), -1) {
			target := match[1]
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			require.FileExists(t, filepath.Join(root, filepath.Dir(page), target), "%s links to it", page)
		}
	}
}

// TestEveryDocumentIsReachable asserts that a reader of README.md gets to every page.
func TestEveryDocumentIsReachable(t *testing.T) {
	reached := map[string]bool{}
	var follow func(page string)
	follow = func(page string) {
		if reached[page] {
			return
		}
		reached[page] = true
		for _, match := range link.FindAllStringSubmatch(outsideBlocks(t, page), -1) {
			if strings.HasSuffix(match[1], ".md") && !strings.Contains(match[1], "://") {
				follow(filepath.Join(filepath.Dir(page), match[1]))
			}
		}
	}
	follow("README.md")
	for _, page := range pages(t) {
		require.True(t, reached[page], "%s: no page that README.md leads to links to it", page)
	}
}

// TestCommandsAndFlagsExist asserts that the command has the subcommands and flags that
// pages name in passing.
func TestCommandsAndFlagsExist(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "sluice")
	output(t, exec.Command("go", "build", "-o", binary, "sluice/core/cmd/sluice"))
	help := map[string]string{}
	for _, page := range pages(t) {
		for _, code := range spans(t, page) {
			words := strings.Fields(code)
			if words[0] != "sluice" || len(words) < 2 || strings.HasPrefix(words[1], "-") {
				continue
			}
			command := words[1]
			if _, known := help[command]; !known {
				text := output(t, exec.Command(binary, command, "--help"))
				require.Contains(t, text, "sluice "+command, "%s: `%s`: there is no such command", page, code)
				help[command] = text
			}
			for _, name := range flag.FindAllString(code, -1) {
				require.Contains(t, help[command], name+" ", "%s: `%s`", page, code)
			}
		}
	}
	require.NotEmpty(t, help)
}

var makeTarget = regexp.MustCompile(`^make ([a-z-]+)( [A-Z_]+=\S+)*$`)

// TestTargetsExist asserts the same of make.
func TestTargetsExist(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, page := range pages(t) {
		for _, code := range spans(t, page) {
			if target := makeTarget.FindStringSubmatch(code); target != nil {
				require.Regexp(t, "(?m)^"+target[1]+":", makefile, "%s: `%s`", page, code)
			}
		}
	}
}

var metric = regexp.MustCompile(`^sluice/[a-z_]+$`)

// TestMetricsExist asserts that the module has the metrics that pages name.
func TestMetricsExist(t *testing.T) {
	module, err := os.ReadFile(filepath.Join(root, "module", "metrics.cpp"))
	require.NoError(t, err)
	named := 0
	for _, page := range pages(t) {
		for _, code := range spans(t, page) {
			if metric.MatchString(code) {
				require.Contains(t, string(module), `"`+code+`"`, page)
				named++
			}
		}
	}
	require.NotZero(t, named)
}
