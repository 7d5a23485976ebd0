package e2e_test

import (
	"go/ast"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
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

// Documentation shows comments on fields and grouped constants as source, so a link in
// one would be shown in brackets.
func TestCommentsInDeclarationsHaveNoLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\[\*?[A-Za-z][\w./]*\]`)
	read := 0
	for _, dir := range []string{".", "aponotest", "webhook"} {
		check := func(comments ...*ast.CommentGroup) {
			for _, comment := range comments {
				read++
				assert.Emptyf(t, link.FindString(comment.Text()), "link in a comment in %s: %s", dir, comment.Text())
			}
		}
		own := func(path string) bool {
			return filepath.Dir(path) == dir && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		}
		for _, declaration := range declarations(t, dir, own) {
			group, ok := declaration.(*ast.GenDecl)
			if !ok {
				continue
			}
			ast.Inspect(group, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.Field:
					check(node.Doc, node.Comment)
				case *ast.ValueSpec:
					if group.Lparen.IsValid() {
						check(node.Doc, node.Comment)
					}
				}
				return true
			})
		}
	}
	require.Greater(t, read, 1000, "comments are missing")
}
