"""The archive that is asked where nobody chose another."""

ESA_GAIA_URL = "https://gea.esac.esa.int/tap-server/tap"
ESA_GAIA_NAME = "ESA Gaia Archive"
ESA_GAIA_RELEASE = "Gaia DR3"
