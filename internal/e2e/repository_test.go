package e2e_test

import (
	"go/ast"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A token in a file, such as a recorded fixture, would stay in the history of the
// repository.
func TestNoFileContainsToken(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile("aup" + `_[A-Za-z0-9]{6,}`)
	require.Regexp(t, token, "aup"+"_0123456789", "the pattern does not match a token")
	files := 0
	eachFile(t, func(path string) {
		files++
		data, err := os.ReadFile(apitest.Path(path))
		require.NoError(t, err)
		assert.Falsef(t, token.Match(data), "%s contains an Apono token", path)
	})
	require.Greater(t, files, 50, "files are missing")
}

// eachFile calls a function with the path of each file of the repository.
func eachFile(t *testing.T, call func(path string)) {
	t.Helper()
	require.NoError(t, fs.WalkDir(os.DirFS(apitest.Path(".")), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case entry.Type().IsRegular():
			call(path)
		}
		return nil
	}))
}

// Dependabot updates the modules that its configuration lists.
func TestDependabotListsEveryModule(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile(apitest.Path(".github/dependabot.yml"))
	require.NoError(t, err)
	modules := 0
	err = fs.WalkDir(os.DirFS(apitest.Path(".")), ".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "go.mod" {
			modules++
			require.Contains(t, string(config), "\n      - "+path.Join("/", filepath.ToSlash(filepath.Dir(file)))+"\n")
		}
		return err
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, modules, 5, "modules are missing")
}

func TestEveryExportedNameHasComment(t *testing.T) {
	t.Parallel()
	names := 0
	for _, dir := range []string{".", "aponotest", "webhook"} {
		own := func(path string) bool {
			return filepath.Dir(path) == dir && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		}
		for _, declaration := range declarations(t, dir, own) {
			for name, documented := range comments(declaration) {
				names++
				require.Truef(t, documented, "%s in %s has no comment", name, dir)
			}
		}
	}
	require.Greater(t, names, 600, "names are missing")
}

// comments returns the exported names of a declaration, including methods, and
// whether each has a comment. Fields do not need one.
func comments(declaration ast.Decl) map[string]bool {
	found := map[string]bool{}
	note := func(names []*ast.Ident, docs ...*ast.CommentGroup) {
		for _, name := range names {
			if name.IsExported() {
				found[name.Name] = slices.ContainsFunc(docs, func(doc *ast.CommentGroup) bool { return doc.Text() != "" })
			}
		}
	}
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || ast.IsExported(strings.TrimLeft(types.ExprString(d.Recv.List[0].Type), "*")) {
			note([]*ast.Ident{d.Name}, d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				note(s.Names, s.Doc, s.Comment, d.Doc)
			case *ast.TypeSpec:
				note([]*ast.Ident{s.Name}, s.Doc, d.Doc)
			}
		}
	}
	return found
}
