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

// filter compares a query parameter of a list with a field of its objects.
type filter struct {
	param   string
	field   string // path with dots
	orField string // another field that may match
	many    bool   // whether it may be given more than once
	none    string // value that matches objects without the field
	pattern bool   // whether an asterisk at either end matches any string
}

// matches reports whether an object passes all filters. One of the values of a filter
// must match, and one of the elements if the field is an array. The comparison is
// case-insensitive.
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

// member returns the field of an object at a path with dots, or nil.
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

// filterParams returns the query parameters of filters.
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

// pageToken is the content of a page token.
type pageToken struct {
	List    Collection `json:"list"`
	Filters url.Values `json:"filters"`
	Limit   int        `json:"limit"`
	After   int        `json:"after"` // place of the last object of the page before
}

// page returns a page of a collection, as a list with page tokens.
func (s *Server) page(c Collection, req *request, filters []filter) (any, *problem) {
	return s.pageOf(c, s.store.objects[c], req, filters)
}

// pageOf returns a page of entries, as a list with page tokens. The tokens are valid for
// the collection c only.
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
			return nil, &problem{http.StatusBadRequest, "page_token", "not a token of this list"}
		case len(token.Filters) > 0 && !s.looseChecks && !reflect.DeepEqual(token.Filters, given.Filters):
			return nil, badRequest("page_token", "the token belongs to a list with other filters")
		}
		token = given
	}
	if limit, err := strconv.Atoi(req.query.Get("limit")); err == nil {
		if limit == 0 {
			return nil, invalid("limit", "must be at least 1")
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

// String encodes a token.
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

// offsetPage returns a page of rows, as an offset list. The page has all rows unless
// WithOffsetPageSize is set.
func (s *Server) offsetPage(rows []any, req *request) (any, *problem) {
	if s.offsetPageSize == 0 {
		return s.offsetResponse(rows, len(rows), 0)
	}
	return s.pagedByOffset(rows, req, s.offsetPageSize)
}

// pagedByOffset returns a page of at most size rows, as skip and limit of the query ask.
func (s *Server) pagedByOffset(rows []any, req *request, size int) (any, *problem) {
	skip, _ := strconv.Atoi(req.query.Get("skip")) // checked before; 0 if absent
	if asked, err := strconv.Atoi(req.query.Get("limit")); err == nil && asked > 0 {
		size = min(size, asked)
	}
	return s.offsetResponse(rows, size, skip)
}

func (s *Server) offsetResponse(rows []any, limit, skip int) (any, *problem) {
	total := len(rows)
	data := append([]any{}, rows[min(skip, total):min(skip+limit, total)]...)
	return object{"data": data, "pagination": object{"total": total, "limit": limit, "offset": skip}}, nil
}

// filtered returns the objects of a collection that pass filters.
func (s *Server) filtered(c Collection, req *request, filters []filter) []any {
	var rows []any
	for _, e := range s.store.objects[c] {
		if rendered := s.render(e.object); matches(rendered, filters, req.query) {
			rows = append(rows, rendered)
		}
	}
	return rows
}
