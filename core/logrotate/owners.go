package logrotate

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// owned is an owner named in the text, to be checked if still in force at its end.
type owned struct {
	at       word
	creation *Creation
}

func readCreate(p *parser, key word) error {
	return p.creation(key, &p.policy.Create)
}

func readCreateOldDir(p *parser, key word) error {
	return p.creation(key, &p.policy.CreateOldDir)
}

// creation reads "[mode] [owner] [group]". What a later directive leaves out keeps
// its value from an earlier one.
func (p *parser) creation(key word, c *Creation) error {
	text, at := p.rest()
	fields := strings.Fields(text)
	c.On = true
	if len(fields) > 0 && fields[0][0] >= '0' && fields[0][0] <= '7' && len(fields[0]) <= 6 {
		mode, err := strconv.ParseUint(fields[0], 8, 16)
		if err == nil {
			c.Mode, c.ModeSet = fs.FileMode(mode).Perm(), true
			if mode&^0o777 != 0 {
				p.warn(key, "only the permission bits of the mode are set")
			}
			fields = fields[1:]
		} else if len(fields) == 3 {
			return p.errorAt(at, fields[0], "bad mode", "an octal number")
		}
	}
	if len(fields) > 2 {
		return p.errorAt(at, text, "too many values of "+key.text, "[mode] [owner] [group]")
	}
	if err := p.known(at, fields); err != nil {
		return err
	}
	if len(fields) > 0 {
		c.Owner = fields[0]
		p.ownersOf = append(p.ownersOf, owned{at: word{mark: at, text: fields[0]}, creation: c})
	}
	if len(fields) > 1 {
		c.Group = fields[1]
	}
	return nil
}

// known refuses a user and a group that do not exist.
func (p *parser) known(at mark, fields []string) error {
	for i, name := range fields {
		known, kind := p.rules.KnownUser, "user"
		if i == 1 {
			known, kind = p.rules.KnownGroup, "group"
		}
		if len(name) > maxNamePartBytes || !plain(name, false) || known != nil && !known(name) {
			return p.errorAt(at, name, "unknown "+kind, "a "+kind+" of this machine, by name or number")
		}
	}
	return nil
}

// checkOwners lets a task name only its own user. Which groups that user may give
// files to, the kernel decides.
func (p *parser) checkOwners() error {
	if p.rules.Trust != Task {
		return nil
	}
	for _, o := range p.ownersOf {
		if o.creation.On && o.creation.Owner == o.at.text && o.at.text != p.rules.User {
			return p.errorAt(o.at.mark, o.at.text, "a task can give files to its own user only", p.ownUser())
		}
	}
	return nil
}

func (p *parser) ownUser() string {
	if p.rules.User == "" {
		return "no owner"
	}
	return fmt.Sprintf("%q, or no owner", clip(p.rules.User))
}

// readSu accepts what is the case anyway: files are handled as the task's user.
func readSu(p *parser, key word) error {
	text, at := p.rest()
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return p.errorAt(at, text, "bad value of su", "a user and a group")
	}
	if err := p.known(at, fields); err != nil {
		return err
	}
	if p.rules.User == "" && p.rules.Trust == Operator {
		p.warn(key, "without effect: files are handled with the rights of the task's user")
		return nil
	}
	if fields[0] != p.rules.User {
		return p.errorAt(at, fields[0], "files are handled with the rights of the task's user and no other", p.ownUser())
	}
	return nil
}
