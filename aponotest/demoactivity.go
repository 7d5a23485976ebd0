package aponotest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// demoRequest is an access request for a team's bundle.
type demoRequest struct {
	id, team, status string
	day              int
	// requestor and grantee are indexes of demoPeople. grantee is nil if the request
	// is not delegated.
	requestor int
	grantee   *int
}

// seedActivity adds an access request of each team for each of the last 60 days. The
// latest requests of Ada of team orders are active and pending, and one is delegated.
func (s *Server) seedActivity() {
	for day := range demoDays {
		for i, team := range demoTeams {
			r := demoRequest{
				id: fmt.Sprintf("request-%02d-%s", day, team), team: team, status: revoked, day: day,
				requestor: (day + i) % len(demoPeople),
			}
			if day%7 == 6 {
				r.status = rejected
			}
			latest := []string{active, pending, revoked}
			switch left := demoDays - day; {
			case i == 0 && left <= len(latest):
				r.status, r.requestor = latest[len(latest)-left], 0
				r.id = "request-ada-" + strings.ToLower(r.status)
			case i == 1 && left == 1:
				r.id, r.status, r.requestor, r.grantee = "request-for-ben", active, 0, new(int)
				*r.grantee = 1
			}
			s.seedRequest(r)
		}
	}
}

// seedRequest adds an access request with its entitlement, its activity and, if it is
// active, a session with access details.
func (s *Server) seedRequest(r demoRequest) {
	requested := s.demoDay(r.day)
	granted, ended := requested.Add(5*time.Minute), requested.Add(time.Hour)
	integrationID := "postgresql-production-" + r.team
	integration := object{"id": integrationID, "name": integrationID}
	kind := object{"id": "postgresql-database", "label": "postgresql-database"}
	bundle := titled(r.team) + " on-call"
	identity := func(person int) object {
		return object{"id": demoUserID(person, r.team), "source_id": emailOf(demoPeople[person], r.team)}
	}
	request := object{
		"id": r.id, "status": r.status, "creation_date": requested.Format(time.RFC3339),
		"justification": "On call", "custom_fields": object{}, "requestor": identity(r.requestor),
		"bundle":        object{"id": "bundle-" + r.team, "name": bundle},
		"access_groups": []any{object{"integration": integration, "resource_types": []any{kind}}},
	}
	row := object{
		"request_id": r.id, "request_date": request["creation_date"], "requestor_id": demoUserID(r.requestor, r.team),
		"requestor_name": demoPeople[r.requestor] + " of " + r.team, "requestor_email": emailOf(demoPeople[r.requestor], r.team),
		"integration": integrationID, "integration_id": integrationID, "resource_type": "postgresql-database",
		"resources": []any{r.team}, "permissions": []any{"READ_ONLY"}, "justification": "On call",
		"status": r.status, "trigger_type": "SELF_SERVE", "access_flow": bundle,
		"access_flow_id": "flow-" + r.team, "bundle_name": bundle, "extension_count": "0",
	}
	if r.grantee != nil {
		request["grantee"] = identity(*r.grantee)
		row["grantee_id"], row["grantee_type"] = demoUserID(*r.grantee, r.team), "USER"
		row["grantee_name"] = demoPeople[*r.grantee] + " of " + r.team
	}
	if slices.Contains([]string{active, revoked}, r.status) {
		row["request_grant_date"] = granted.Format(time.RFC3339)
	}
	if r.status == revoked {
		request["revocation_date"] = ended.Format(time.RFC3339)
		row["request_revoke_date"] = request["revocation_date"]
	}
	s.seed(AccessRequests, request)
	s.seed(EntitlementsOf(r.id), object{
		"integration": integration, "status": r.status, "permission": object{"name": "READ_ONLY"},
		"resource": object{
			"id": integrationID + "-postgresql-database", "source_id": integrationID + "-postgresql-database", "name": r.team, "type": kind,
		},
	})
	s.seed(Activity, row)
	if r.status == active {
		id := "session-" + r.id
		s.seed(Sessions, object{
			"id": id, "name": integrationID, "request_ids": []any{r.id}, "integration": integration,
			"credentials_status": available, "can_reset_credentials": true,
		})
		s.seed(DetailsOf(id), object{
			"instructions": "Connect to " + integrationID + " as apono-user with the password made-up.",
			"parameters":   object{"username": "apono-user", "password": "made-up"},
		})
		s.store.granted[id] = true // removed with the request
	}
}

func demoUserID(person int, team string) string {
	return fmt.Sprintf("user-%02d-%02d", person, slices.Index(demoTeams, team))
}
