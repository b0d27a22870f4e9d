package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const troubleshooting = "docs/troubleshooting.md"

// sources calls each with the Go files of the logger, without tests.
func sources(t *testing.T, each func(path string, file *ast.File)) {
	t.Helper()
	for _, dir := range []string{"core", "bridge"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				each(path, file)
			}
			return err
		}))
	}
}

// called is the name of the function or method of a call.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// literals gives the constant parts of an expression that makes a string.
func literals(e ast.Expr) (parts []string) {
	ast.Inspect(e, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, _ := strconv.Unquote(literal.Value)
			parts = append(parts, text)
		}
		return true
	})
	return parts
}

// TestEveryWarningIsExplained asserts that what the logger tells the agent's log as a
// warning or an error is in docs/troubleshooting.md.
func TestEveryWarningIsExplained(t *testing.T) {
	page := read(t, troubleshooting)
	found := 0
	sources(t, func(path string, file *ast.File) {
		// What `sluice check` warns of is no line of the agent's log.
		if file.Name.Name == "check" || file.Name.Name == "main" {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if name := called(call); name != "Warn" && name != "Error" && name != "warn" {
				return true
			}
			for _, part := range literals(call.Args[0]) {
				if part == ": " || strings.HasPrefix(part, "--") {
					continue
				}
				found++
				if !strings.Contains(page, strings.Trim(part, " ;:")) {
					t.Errorf("%s warns of %q: give cause and remedy in %s", path, part, troubleshooting)
				}
			}
			return true
		})
	})
	require.Greater(t, found, 20)
}

var row = regexp.MustCompile("(?m)^\\| `([^`]+)`")

// TestEveryMessageExists asserts that the messages which docs/troubleshooting.md explains
// are those of the code; "…" stands for what differs.
func TestEveryMessageExists(t *testing.T) {
	var code strings.Builder
	sources(t, func(_ string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				for _, part := range literals(e) {
					code.WriteString(part + "\n")
				}
				_, isLiteral := e.(*ast.BasicLit)
				return !isLiteral
			}
			return true
		})
	})
	for _, name := range []string{"module/module.cpp"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		code.Write(text)
	}
	messages := row.FindAllStringSubmatch(read(t, troubleshooting), -1)
	require.Greater(t, len(messages), 20)
	for _, message := range messages {
		for _, part := range strings.Split(message[1], "…") {
			part = strings.Trim(part, " ;:\"")
			if !strings.Contains(code.String(), part) {
				t.Errorf("%s explains %q, but nothing says %q", troubleshooting, message[1], part)
			}
		}
	}
}
