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
	param, field string
	// many says that it may be given several times.
	many bool
	// pattern says that an asterisk at either end stands for any text.
	pattern bool
}

// matches reports whether an object passes all filters. Of several values of a
// filter one must match; letter case does not matter.
func matches(o object, filters []filter, query url.Values) bool {
	for _, f := range filters {
		values, given := query[f.param]
		text, _ := o[f.field].(string)
		if given && !slices.ContainsFunc(values, func(value string) bool { return f.matches(value, text) }) {
			return false
		}
	}
	return true
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

// page answers a list with page tokens.
func (s *Server) page(c Collection, req *request, filters []filter) (any, *problem) {
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
		case len(token.Filters) > 0 && !reflect.DeepEqual(token.Filters, given.Filters):
			return nil, invalid("page_token", "the token belongs to a list with other filters")
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
	for _, e := range s.store.objects[c] {
		if e.place <= token.After || !matches(e.object, filters, token.Filters) {
			continue
		}
		if len(items) == size {
			pagination["next_page_token"] = token.String()
			break
		}
		items = append(items, s.render(e.object))
		token.After = e.place
	}
	return object{"items": items, "pagination": pagination}, nil
}

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

// offsetPage answers a list by offset: all of it, unless the server was told to
// page such lists.
func (s *Server) offsetPage(c Collection, req *request, filters []filter) (any, *problem) {
	items := []any{}
	for _, e := range s.store.objects[c] {
		if matches(e.object, filters, req.query) {
			items = append(items, s.render(e.object))
		}
	}
	total, limit, skip := len(items), len(items), 0
	if s.offsetPageSize > 0 {
		skip, _ = strconv.Atoi(req.query.Get("skip")) // checked before; absent is 0
		limit = s.offsetPageSize
		if asked, err := strconv.Atoi(req.query.Get("limit")); err == nil && asked > 0 {
			limit = min(limit, asked)
		}
		items = items[min(skip, total):min(skip+limit, total)]
	}
	return object{"data": items, "pagination": object{"total": total, "limit": limit, "offset": skip}}, nil
}
