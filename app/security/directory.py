"""The company's directory (LDAP) as a judge of passwords, by configuration: who is found there and may bind is let in, with the
default role at the first time. Local accounts never ask it, so that the administrator gets in when it is away."""
import ssl

from flask import current_app

from app.core.rules import RuleError
from app.core.words import _

SECONDS = 5  # for the directory to answer


def configured() -> bool:
    """Whether there is a directory."""
    return bool(current_app.config["CRM_LDAP_URL"])


def _server():
    from ldap3 import NONE, Server, Tls
    config = current_app.config
    ca = config["CRM_LDAP_CA"] or None
    return Server(config["CRM_LDAP_URL"], get_info=NONE, connect_timeout=SECONDS, tls=Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=ca))


def _line(user: str, password: str):
    from ldap3 import Connection
    line = Connection(_server(), user=user or None, password=password or None, receive_timeout=SECONDS, read_only=True)
    line.open()
    if current_app.config["CRM_LDAP_START_TLS"]:
        line.start_tls()
    return line


def check(name: str, password: str) -> dict | None:
    """{id, name, email} of who has this name and password; None when nobody has. A name that is not there costs the same two
    questions. RuleError when the directory does not answer or turns our own account away."""
    from ldap3 import SUBTREE  # the library is loaded where there is a directory
    from ldap3.core.exceptions import LDAPException
    from ldap3.utils.conv import escape_filter_chars
    config, wanted = current_app.config, ("cn", "displayName", "mail")
    lines: list = []
    try:
        lines.append(ours := _line(config["CRM_LDAP_BIND_DN"], config["CRM_LDAP_BIND_PASSWORD"]))
        if not ours.bind():
            raise RuleError(_("The directory does not let us look; please tell the administrator."))
        asked = config["CRM_LDAP_FILTER"].replace("{name}", escape_filter_chars(name))
        ours.search(config["CRM_LDAP_BASE"], asked, SUBTREE, attributes=wanted)
        found = [one for one in ours.response if one["type"] == "searchResEntry"]
        person = found[0] if len(found) == 1 else {"dn": f"cn=nobody,{config['CRM_LDAP_BASE']}", "attributes": {}}
        lines.append(theirs := _line(person["dn"], password))
        right = bool(password) and "\0" not in password and theirs.bind()
    except LDAPException as away:
        raise RuleError(_("The directory does not answer; please try again in a moment.")) from away
    finally:
        for line in lines:
            line.unbind()
    if not right or len(found) != 1:
        return None
    said = {key: (value[0] if isinstance(value, list) and value else value or "") for key, value in person["attributes"].items()}
    full = str(said.get("displayName") or said.get("cn") or name)
    return {"id": person["dn"][:255], "name": full[:60], "email": str(said.get("mail") or "")[:120]}
