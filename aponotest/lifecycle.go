package aponotest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The states of access requests. How the API spells them is not documented.
const (
	pending  = "PENDING"
	granting = "GRANTING"
	active   = "ACTIVE"
	rejected = "REJECTED"
	revoking = "REVOKING"
	revoked  = "REVOKED"
)

// The states of a session's credentials.
const (
	available = "AVAILABLE"
	viewed    = "VIEWED"
	resetting = "RESETTING"
)

// due is something that happens when the server's clock comes to its time.
type due struct {
	at time.Time
	do func()
}

// lock gives access to the state, brought up to the present. The caller calls
// the function that it returns when it is done.
func (s *Server) lock() (unlock func()) {
	s.mu.Lock()
	s.settle()
	return s.mu.Unlock
}

// settle lets happen what is due. Each thing happens at its own time, however
// late it is looked at.
func (s *Server) settle() {
	present := s.clock().Add(s.ahead)
	for len(s.agenda) > 0 && !s.agenda[0].at.After(present) {
		next := s.agenda[0]
		s.agenda = s.agenda[1:]
		s.moment = next.at
		next.do()
	}
	s.moment = present
}

// later has something happen after a while, or at once.
func (s *Server) later(wait time.Duration, do func()) {
	if wait <= 0 {
		do()
		return
	}
	s.agenda = append(s.agenda, due{s.moment.Add(wait), do})
	slices.SortStableFunc(s.agenda, func(a, b due) int { return a.at.Compare(b.at) })
}

func (s *Server) mustBePending(requestID string) {
	s.help()
	o := s.store.get(AccessRequests, requestID)
	if o == nil {
		s.fail("there is no access request %q", requestID)
	}
	if status, _ := o["status"].(string); !strings.EqualFold(status, pending) {
		s.fail("the access request %q is not pending but %s", requestID, status)
	}
}

// setStatus changes the status of a request, of its entitlements, and of what
// activity says about it.
func (s *Server) setStatus(requestID, status string) {
	o := s.store.get(AccessRequests, requestID)
	o["status"] = status
	if status == revoked {
		o["revocation_date"] = s.now()
	}
	for _, e := range s.store.objects[EntitlementsOf(requestID)] {
		e.object["status"] = status
	}
	for _, row := range s.store.where(Activity, func(row object) bool { return row["request_id"] == requestID }) {
		row.object["status"] = status
		switch status {
		case active:
			row.object["request_grant_date"] = s.now()
		case revoked:
			row.object["request_revoke_date"] = s.now()
		}
	}
}

func (s *Server) hasStatus(requestID, status string) bool {
	o := s.store.get(AccessRequests, requestID)
	return o != nil && o["status"] == status
}

func (s *Server) approve(requestID string) {
	s.setStatus(requestID, granting)
	s.later(s.provisioning, func() {
		if s.hasStatus(requestID, granting) {
			s.grant(requestID)
		}
	})
}

func (s *Server) grant(requestID string) {
	s.setStatus(requestID, active)
	o := s.store.get(AccessRequests, requestID)
	groups, _ := o["access_groups"].([]any)
	for _, group := range groups {
		s.addSession(requestID, member(group, "integration"))
	}
	if seconds, err := number(o["duration_in_sec"]); err == nil {
		s.later(time.Duration(seconds)*time.Second, func() {
			if s.hasStatus(requestID, active) {
				s.revoke(requestID)
			}
		})
	}
}

func (s *Server) revoke(requestID string) {
	s.setStatus(requestID, revoking)
	s.later(s.provisioning, func() {
		if s.hasStatus(requestID, revoking) {
			s.setStatus(requestID, revoked)
			s.removeSessions(requestID)
		}
	})
}

// addSession adds the session of a request to an integration.
func (s *Server) addSession(requestID string, integration any) {
	id := s.store.newID()
	s.store.put(Sessions, object{
		"id": id, "name": member(integration, "name"), "request_ids": []any{requestID}, "integration": integration,
		"credentials_status": available, "can_reset_credentials": true,
	})
	s.store.made[id] = true
	s.addDetails(id)
}

// addDetails gives a session access details, each time with another password.
func (s *Server) addDetails(sessionID string) {
	s.store.secrets++
	name := member(s.store.get(Sessions, sessionID), "name")
	user, password := "apono-user", fmt.Sprintf("made-up-%d", s.store.secrets)
	s.store.put(DetailsOf(sessionID), object{
		"instructions": fmt.Sprintf("Connect to %s as %s with the password %s.", name, user, password),
		"parameters":   object{"username": user, "password": password},
	})
}

// removeSessions takes away the sessions that appeared with a request. Those
// that a test put stay.
func (s *Server) removeSessions(requestID string) {
	for _, session := range s.store.where(Sessions, func(o object) bool { return servesRequest(o, requestID) }) {
		if id, _ := session.object["id"].(string); s.store.made[id] {
			s.store.delete(Sessions, id)
		}
	}
}

func servesRequest(session object, requestID string) bool {
	ids, _ := session["request_ids"].([]any)
	return slices.Contains(ids, any(requestID))
}

// resetDetails makes new credentials for a session, after a while.
func (s *Server) resetDetails(session object) {
	id, _ := session["id"].(string)
	session["credentials_status"] = resetting
	s.later(s.provisioning, func() {
		current := s.store.get(Sessions, id)
		if current == nil {
			return
		}
		current["credentials_status"] = available
		if s.store.made[id] {
			s.addDetails(id)
		}
	})
}

// now is the present in the API's form.
func (s *Server) now() string { return s.moment.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
