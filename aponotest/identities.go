package aponotest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// listIdentities returns users, groups and values of attributes.
func (s *Server) listIdentities(req *request) (any, *problem) {
	var identities []any
	for _, e := range s.store.objects[Users] {
		identities = append(identities, object{
			"type": "USER", "id": e.object["id"], "name": fmt.Sprintf("%s %s", e.object["first_name"], e.object["last_name"]),
		})
	}
	for _, e := range s.store.objects[Groups] {
		identities = append(identities, object{"type": "GROUP", "id": e.object["id"], "name": e.object["name"]})
	}
	for _, e := range s.store.objects[Attributes] {
		identities = append(identities, object{
			"type": "CONTEXT_ATTRIBUTE", "id": fmt.Sprintf("%s:%s", e.object["type"], e.object["value"]), "name": e.object["value"],
		})
	}
	return s.offsetPage(identities, req)
}

// listIdentityAttributes returns the users that have attributes. The API documents skip
// and limit for this list, so it always has pages.
func (s *Server) listIdentityAttributes(req *request) (any, *problem) {
	var rows []any
	for _, e := range s.store.objects[Users] {
		email, _ := e.object["email"].(string)
		attributes, _ := e.object["attributes"].(object)
		if wanted, filtered := req.query["emails"]; len(attributes) == 0 || filtered && !slices.Contains(wanted, email) {
			continue
		}
		rows = append(rows, object{"email": email, "attributes": attributes})
	}
	size := defaultLimit
	if asked, err := strconv.ParseInt(req.query.Get("limit"), 10, 32); err == nil {
		size = max(size, int(asked))
	}
	if s.offsetPageSize > 0 {
		size = min(size, s.offsetPageSize)
	}
	return s.pagedByOffset(rows, req, size)
}

func (s *Server) upsertIdentityAttributes(req *request) (any, *problem) {
	return s.eachIdentity(req, func(attributes, item object) {
		values, _ := item["attributes"].(object)
		maps.Copy(attributes, values)
	})
}

func (s *Server) deleteIdentityAttributes(req *request) (any, *problem) {
	return s.eachIdentity(req, func(attributes, item object) {
		types, _ := item["attribute_types"].([]any)
		for _, name := range types {
			key, _ := name.(string)
			delete(attributes, key)
		}
	})
}

// eachIdentity changes the attributes of each user in a bulk request, and returns a
// result for each item.
func (s *Server) eachIdentity(req *request, change func(attributes, item object)) (any, *problem) {
	results, failed := []any{}, 0
	for _, element := range req.list {
		item, _ := element.(object)
		result := object{"email": item["email"], "success": true, "errors": []any{}}
		user := s.store.find(Users, func(o object) bool { return o["email"] == item["email"] })
		if user == nil {
			failed++
			result["success"] = false
			result["errors"] = []any{object{"error_code": "IDENTITY_NOT_FOUND", "error_details": "identity not found"}}
		} else {
			attributes, _ := user["attributes"].(object)
			attributes = maps.Clone(attributes)
			if attributes == nil {
				attributes = object{}
			}
			change(attributes, item)
			if len(attributes) > 0 || user["attributes"] != nil {
				user["attributes"] = attributes
			}
		}
		results = append(results, result)
	}
	return object{
		"summary": object{"total": len(results), "succeeded": len(results) - failed, "failed": failed},
		"results": results,
	}, nil
}
