package aponotest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const defaultLimit = 100

// filter holds the query parameter of a list against a field of its objects.
type filter struct {
	param string
	// field is the member to compare, members of members being joined by dots.
	field string
	// orField is another that may match.
	orField string
	// many says that it may be given several times.
	many bool
	// none is the value that stands for objects without the field, if any does.
	none string
	// pattern says that an asterisk at either end stands for any text.
	pattern bool
}

// matches reports whether an object passes all filters. Of several values of a
// filter one must match, and of a member that is an array one element; letter
// case does not matter.
func matches(o object, filters []filter, query url.Values) bool {
	for _, f := range filters {
		wanted, given := query[f.param]
		texts := append(textsOf(member(o, f.field)), textsOf(member(o, f.orField))...)
		if f.none != "" && len(texts) == 0 && slices.Contains(wanted, f.none) {
			continue
		}
		if given && !slices.ContainsFunc(wanted, func(pattern string) bool {
			return slices.ContainsFunc(texts, func(text string) bool { return f.matches(pattern, text) })
		}) {
			return false
		}
	}
	return true
}

// member returns a member of an object, or a member of a member.
func member(value any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		o, _ := value.(object)
		value = o[name]
	}
	return value
}

func textsOf(value any) []string {
	var texts []string
	switch value := value.(type) {
	case string:
		texts = append(texts, value)
	case []any:
		for _, element := range value {
			texts = append(texts, textsOf(element)...)
		}
	}
	return texts
}

func (f filter) matches(pattern, text string) bool {
	pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	if !f.pattern {
		return pattern == text
	}
	rest, leading := strings.CutPrefix(pattern, "*")
	rest, trailing := strings.CutSuffix(rest, "*")
	switch {
	case leading && trailing, pattern == "*":
		return strings.Contains(text, rest)
	case leading:
		return strings.HasSuffix(text, rest)
	case trailing:
		return strings.HasPrefix(text, rest)
	}
	return text == pattern
}

// filterParams are the query parameters of filters.
func filterParams(filters []filter) params {
	params := params{}
	for _, f := range filters {
		params[f.param] = one
		if f.many {
			params[f.param] = many
		}
	}
	return params
}

// pageToken is what a page token says: which list it belongs to, with which
// filters, and after which object it goes on.
type pageToken struct {
	List    Collection `json:"list"`
	Filters url.Values `json:"filters"`
	Limit   int        `json:"limit"`
	After   int        `json:"after"`
}

// page answers a collection as a list with page tokens.
func (s *Server) page(c Collection, req *request, filters []filter) (any, *problem) {
	return s.pageOf(c, s.store.objects[c], req, filters)
}

// pageOf answers entries as a list with page tokens; c names the list in its
// tokens.
func (s *Server) pageOf(c Collection, entries []entry, req *request, filters []filter) (any, *problem) {
	token := pageToken{List: c, Filters: url.Values{}, Limit: defaultLimit}
	for name, values := range req.query {
		if _, paging := tokenParams[name]; !paging {
			token.Filters[name] = values
		}
	}
	if text := req.query.Get("page_token"); text != "" {
		given, ok := parseToken(text)
		switch {
		case !ok || given.List != c:
			return nil, &problem{http.StatusBadRequest, "page_token", "it is not a token of this list"}
		case len(token.Filters) > 0 && !s.looseChecks && !reflect.DeepEqual(token.Filters, given.Filters):
			return nil, senseless("page_token", "the token belongs to a list with other filters")
		}
		token = given
	}
	if limit, err := strconv.Atoi(req.query.Get("limit")); err == nil {
		if limit == 0 {
			return nil, invalid("limit", "it must be at least 1")
		}
		token.Limit = limit
	}
	size := token.Limit
	if s.pageSize > 0 {
		size = min(size, s.pageSize)
	}
	items, pagination := []any{}, object{}
	for _, e := range entries {
		if e.place <= token.After {
			continue
		}
		rendered := s.render(e.object)
		if !matches(rendered, filters, token.Filters) {
			continue
		}
		if len(items) == size {
			pagination["next_page_token"] = token.String()
			break
		}
		items = append(items, rendered)
		token.After = e.place
	}
	return object{"items": items, "pagination": pagination}, nil
}

// String is the token as the list answers it.
func (t pageToken) String() string {
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func parseToken(text string) (pageToken, bool) {
	var token pageToken
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(data, &token)
	}
	if token.Filters == nil {
		token.Filters = url.Values{}
	}
	return token, err == nil
}

// offsetPage answers rows as a list by offset: all of them, unless the server
// was told to page such lists.
func (s *Server) offsetPage(rows []any, req *request) (any, *problem) {
	if s.offsetPageSize == 0 {
		return s.offsetAnswer(rows, len(rows), 0)
	}
	return s.pagedByOffset(rows, req, s.offsetPageSize)
}

// pagedByOffset answers rows as a list that heeds skip and limit.
func (s *Server) pagedByOffset(rows []any, req *request, size int) (any, *problem) {
	skip, _ := strconv.Atoi(req.query.Get("skip")) // checked before; absent is 0
	if asked, err := strconv.Atoi(req.query.Get("limit")); err == nil && asked > 0 {
		size = min(size, asked)
	}
	return s.offsetAnswer(rows, size, skip)
}

func (s *Server) offsetAnswer(rows []any, limit, skip int) (any, *problem) {
	total := len(rows)
	data := append([]any{}, rows[min(skip, total):min(skip+limit, total)]...)
	return object{"data": data, "pagination": object{"total": total, "limit": limit, "offset": skip}}, nil
}

// filtered are the objects of a collection that pass filters, as the API answers
// them.
func (s *Server) filtered(c Collection, req *request, filters []filter) []any {
	var rows []any
	for _, e := range s.store.objects[c] {
		if rendered := s.render(e.object); matches(rendered, filters, req.query) {
			rows = append(rows, rendered)
		}
	}
	return rows
}
