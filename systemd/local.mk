# Units for the machine (system/) and for a person (user/), and the system's user.
systemdsystemunit_DATA = systemd/system/bakeryd.service systemd/system/bakeryd@.service systemd/system/bakeryd.socket
systemduserunit_DATA = systemd/user/bakeryd.service systemd/user/bakeryd.socket

SUBSTITUTED_UNITS = systemd/system/bakeryd.service systemd/system/bakeryd@.service systemd/user/bakeryd.service
CLEANFILES += $(SUBSTITUTED_UNITS)
EXTRA_DIST += systemd/system/bakeryd.service.in systemd/system/bakeryd@.service.in systemd/system/bakeryd.socket \
	systemd/system/bakery.sysusers systemd/user/bakeryd.service.in systemd/user/bakeryd.socket

$(SUBSTITUTED_UNITS): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
systemd/system/bakeryd.service: systemd/system/bakeryd.service.in
systemd/system/bakeryd@.service: systemd/system/bakeryd@.service.in
systemd/user/bakeryd.service: systemd/user/bakeryd.service.in

# Installed under its usual name, bakery.conf, which says nothing in a source tree.
install-data-local: install-sysusers
install-sysusers:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) $(srcdir)/systemd/system/bakery.sysusers '$(DESTDIR)$(sysusersdir)/bakery.conf'
uninstall-local: uninstall-sysusers
uninstall-sysusers:
	rm -f '$(DESTDIR)$(sysusersdir)/bakery.conf'
.PHONY: install-sysusers uninstall-sysusers
