package guard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// commands are of processes of their own, whose faults are theirs: they end with the stack
// where somebody sees it.
var commands = []string{"core/cmd/", "core/series/", "core/remote/", "core/rotation/casefile/"}

// sources calls check with each file of the packages that live in an agent.
func sources(t *testing.T, check func(path string, fset *token.FileSet, file *ast.File)) {
	t.Helper()
	files := 0
	for _, root := range []string{"core", "bridge"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("../..", root), func(path string, _ fs.DirEntry, err error) error {
			name, _ := filepath.Rel("../..", path)
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, command := range commands {
				if strings.HasPrefix(name, command) {
					return nil
				}
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
			if err == nil {
				files++
				check(name, fset, file)
			}
			return err
		}))
	}
	require.Greater(t, files, 100)
}

// called is the name of a method or function that is called: "Lock" of s.mu.Lock().
func called(n ast.Node) (on ast.Expr, name string) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil, ""
	}
	if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
		return selector.X, selector.Sel.Name
	}
	return nil, ""
}

// TestOnlyTheGuardStartsGoroutines: one that is started elsewhere ends the agent when it
// has a fault. (sync.WaitGroup has a Go too.)
func TestOnlyTheGuardStartsGoroutines(t *testing.T) {
	sources(t, func(path string, fset *token.FileSet, file *ast.File) {
		if path == "core/guard/guard.go" {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			_, name := called(n)
			_, statement := n.(*ast.GoStmt)
			// Those of the guard have one argument more, what is being done.
			arguments := map[string]int{"Go": 2, "AfterFunc": 3}[name]
			if statement || arguments > 0 && len(n.(*ast.CallExpr).Args) < arguments {
				assert.Fail(t, "a goroutine or a timer without a guard", "%s: expected guard.Guard's Go or AfterFunc", fset.Position(n.Pos()))
			}
			return true
		})
	})
}

// TestLocksAreGivenUpByDefers: a fault between Lock and Unlock would leave the lock held,
// and everybody else would wait for ever; a fault between an Unlock and a Lock, under a
// deferred Unlock, is `fatal error: unlock of unlocked mutex`, which nothing catches. So
// the statement after a Lock defers the Unlock, and a lock is given up for a while by a
// function called unlocked, whose next statement defers the Lock. Only where no call is
// in between may an Unlock stand by itself.
func TestLocksAreGivenUpByDefers(t *testing.T) {
	sources(t, func(_ string, fset *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "unlocked") {
				checkPairs(t, fset, f.Body.List, "Unlock", "Lock")
				return false
			}
			if block, ok := n.(*ast.BlockStmt); ok {
				checkPairs(t, fset, block.List, "Lock", "Unlock")
				checkPairs(t, fset, block.List, "RLock", "RUnlock")
			}
			return true
		})
	})
}

// checkPairs looks through the statements of a block for calls of first.
func checkPairs(t *testing.T, fset *token.FileSet, block []ast.Stmt, first, then string) {
	t.Helper()
	after := map[string]bool{} // what then may be called on without a defer
	for i, statement := range block {
		on, name := calledBy(statement)
		switch {
		case name == first:
			delete(after, text(on))
			if i+1 < len(block) && deferred(block[i+1], text(on), then) {
				continue
			}
			if !callFree(block[i+1:], text(on), then) {
				assert.Fail(t, "a lock that a fault leaves as it is", "%s: expected `defer %s.%s()` next, or no call before it", fset.Position(statement.Pos()), text(on), then)
			}
			after[text(on)] = true
		case name == then && !after[text(on)]:
			assert.Fail(t, "a lock is given up that was not taken here", "%s: expected a defer, or a function called unlocked", fset.Position(statement.Pos()))
		}
	}
}

func calledBy(statement ast.Stmt) (ast.Expr, string) {
	if s, ok := statement.(*ast.ExprStmt); ok {
		return called(s.X)
	}
	return nil, ""
}

func deferred(statement ast.Stmt, on, name string) bool {
	s, ok := statement.(*ast.DeferStmt)
	if !ok {
		return false
	}
	what, called := called(s.Call)
	return called == name && text(what) == on
}

// callFree says that nothing is called before then is, on the same.
func callFree(block []ast.Stmt, on, then string) bool {
	for _, statement := range block {
		if what, name := calledBy(statement); name == then && text(what) == on {
			return true
		}
		free := true
		ast.Inspect(statement, func(n ast.Node) bool {
			if _, ok := n.(*ast.CallExpr); ok {
				free = false
			}
			return free
		})
		if !free {
			return false
		}
	}
	return false
}

// text is an expression of names and dots as it is written.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	}
	return ""
}
